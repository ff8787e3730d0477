# %% [markdown]
# # Rehearse a shock
#
# A price list is to change next week. What happens to the bill, and to the answers, if nothing is
# done? This asks a running service: `windsock demo` on this machine, or yours with `WINDSOCK_URL`
# and an admin key in `WINDSOCK_API_KEY`. Nothing changes by asking.

# %%
import os

from windsock.cli.foresight.rehearse import rehearse_log
from windsock.cli.service_client import ServiceClient
from windsock.rehearsal.rehearse import AS_IS, CHANGED

service = ServiceClient(
    os.environ.get("WINDSOCK_URL", "http://127.0.0.1:8787"), os.environ.get("WINDSOCK_API_KEY")
)

# %% [markdown]
# Where the traffic goes now, and so whose price would hurt.

# %%
tables = service.ask("/v1/weights")["data"]
weights: dict[str, float] = {}
for table in tables:
    for candidate in table["candidates"]:
        name = candidate["deployment"]
        weights[name] = weights.get(name, 0.0) + candidate["weight"] / len(tables)
favourite = max(weights, key=lambda name: weights[name])
print(f"{favourite} has {weights[favourite]:.0%} of the traffic")

# %% [markdown]
# The next split under four times its price, at once and exactly: the same call as `windsock
# whatif`.

# %%
price = next(
    each["usd_per_mtok"]
    for each in service.ask("/v1/prices")["data"]
    if each["deployment"] == favourite
)
dearer = {favourite: {meter: 4 * usd for meter, usd in price.items()}}
for cell in service.ask("/v1/whatif", method="POST", json={"prices": dearer})["data"]:
    now, then = (cell[key].get(favourite, 0.0) for key in ("weights_now", "weights_then"))
    print(f"{cell['task']}: {now:.0%} now, {then:.0%} then")

# %% [markdown]
# And the next minutes with learning, as a run: what is believed is not known, so each seed draws
# how good every model truly is, and the interval says how much hangs on it. On a service of
# yours, rehearse a week.

# %%
found = rehearse_log(
    None, os.environ, service=service, prices=[f"{favourite}=x4"], lasts="60s", seeds=3, at_once=1
)
spend = {each.name: each.spend_usd for each in found.runs}
print(f"\nspend: ${spend[AS_IS].as_believed:.4f} as it is, ${spend[CHANGED].as_believed:.4f} then")

# %% [markdown]
# A retirement (`retired=[...]`), an outage (`outages=["NAME=2h"]`), a newcomer
# (`newcomers=["PROVIDER/MODEL=INPUT/OUTPUT"]`) or a setting
# (`settings=["routes.auto.quality_floor=0.9"]`) is rehearsed the same way: [rehearse and
# evaluate](../simulate.md).
