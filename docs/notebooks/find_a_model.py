# %% [markdown]
# # Find a model
#
# Which model is enough for a task, and what does one more point of quality cost? A running
# service knows: `windsock demo` on this machine, or yours with `WINDSOCK_URL` and
# `WINDSOCK_API_KEY`.

# %%
import os

from windsock.cli.service_client import ServiceClient

service = ServiceClient(
    os.environ.get("WINDSOCK_URL", "http://127.0.0.1:8787"), os.environ.get("WINDSOCK_API_KEY")
)
TASK, ENOUGH = "sql", 0.80

# %% [markdown]
# What each candidate costs for a request of this task, at today's prices and at the length of its
# answers, and how often it is believed to be right.

# %%
(table,) = service.ask("/v1/weights", params={"route": "auto", "task": TASK})["data"]
candidates = sorted(table["candidates"], key=lambda each: each["expected_usd"])
for each in candidates:
    low, high = each["success_interval"]
    print(
        f"${each['expected_usd'] * 1000:7.3f} per 1,000  {each['success_mean']:.0%} right "
        f"({low:.0%} to {high:.0%})  {each['deployment']}"
    )

# %% [markdown]
# Only those are worth a look that nobody beats in both.

# %%
frontier = []
for each in candidates:
    if not frontier or each["success_mean"] > frontier[-1]["success_mean"]:
        frontier.append(each)
print("on the frontier:", ", ".join(each["deployment"] for each in frontier))
enough = next((each for each in frontier if each["success_mean"] >= ENOUGH), frontier[-1])
print(f"enough for {ENOUGH:.0%}: {enough['deployment']}")

# %% [markdown]
# What each wish for quality would cost over all traffic, with the mix that serves it: the same as
# `windsock frontier`.

# %%
for point in service.ask("/v1/frontier")["data"][0]["over_route"]:
    if point["kind"] in ("today", "deployment", "quality"):
        usd, success = point["usd_per_request"], point["success"]
        print(f"{point['name']:<32} ${usd * 1000:.3f} per 1,000, {success:.1%} right")

# %% [markdown]
# A model that is no candidate yet is tried on paper first: `windsock simulate --from-log --add
# PROVIDER/MODEL=INPUT/OUTPUT`, then as a candidate with `explore = 0.02`, or by [an evaluation of
# your own](../simulate.md) that `windsock learn` reads.
