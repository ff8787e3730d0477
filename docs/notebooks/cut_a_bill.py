# %% [markdown]
# # Cut a bill
#
# Everything goes to one strong model, and the bill is too high. What would a router save, and
# what would it cost in right answers? Say what you know as a world: traffic, models, prices, and
# how often each model is right at each task. Your own evaluation tells that; these figures are
# made up.

# %%
import tempfile
import tomllib
from pathlib import Path

from windsock.simulation.simulate import replay
from windsock.simulation.world.scenario import load_scenario

WORLD = """
title = "A support desk"
seed = 1
hours = 6
requests_per_hour = 200
feedback_share = 0.5
evaluated = 100

[route]
objective = "cost_per_success"
quality_floor = 0.90

[rivals]
flagship = "openai/gpt-4o"
rules = { triage = "openai/gpt-4o-mini", reply = "openai/gpt-4o" }
otherwise = "openai/gpt-4o"

[tasks.triage]
share = 3
prompt_tokens = 600
output_tokens = 20

[tasks.reply]
share = 1
prompt_tokens = 1500
output_tokens = 350

[deployments."openai/gpt-4o"]
input = 2.5
output = 10
quality = { triage = 0.96, reply = 0.94 }

[deployments."openai/gpt-4o-mini"]
input = 0.15
output = 0.6
quality = { triage = 0.95, reply = 0.82 }

[deployments."google/gemini-2.5-flash"]
input = 0.3
output = 2.5
quality = { triage = 0.95, reply = 0.93 }
"""

# %% [markdown]
# Every policy meets the same requests and the same luck: the router, today's single model, a
# table of rules written by hand, and an oracle that knows every true quality.

# %%
with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "scenario.toml").write_text(WORLD)
    found = replay(
        load_scenario(Path(folder)),
        tomllib.loads(WORLD)["title"],
        policies=["windsock", "flagship", "rules", "oracle"],
        at_once=1,
    )

# %% [markdown]
# What is left of the bill, and what of the answers.

# %%
runs = {each.summary.policy: each.summary for each in found.results}
today, ours = runs["flagship"], runs["windsock"]
saved = 1 - ours.spend_usd / today.spend_usd
print(f"\nsaved: {saved:.0%} of ${today.spend_usd:.2f}")
print(f"right answers: {ours.success:.1%}, with one model {today.success:.1%}")
for name, share in sorted(ours.share_by_deployment.items(), key=lambda each: -each[1]):
    print(f"  {share:6.1%} {name}")

# %% [markdown]
# The floor decides how much: raise `quality_floor` and run it again, or let the terminal sweep it
# with `windsock simulate FOLDER --set route.quality_floor=0.9,0.92,0.94`. Once a service runs,
# its own log takes the place of made-up figures: [rehearse a shock](rehearse_a_shock.md).
