"""Records the noise levels of diffusers' FlowMatchEulerDiscreteScheduler for many settings of scheduler_config.json, as StableDiffusion3Pipeline asks for them.

usage: reference.sh bench/reference/diffusers_schedules.py tests/fixtures/scheduler-configs.json
"""
import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import calculate_shift

CONFIGS = [
    {},
    {"shift": 3.0},
    {"shift": 0.7, "num_train_timesteps": 500},
    {"use_karras_sigmas": True},
    {"use_karras_sigmas": True, "shift": 3.0},
    {"use_exponential_sigmas": True, "shift": 3.0},
    {"use_beta_sigmas": True},
    {"use_beta_sigmas": True, "shift": 2.5},
    {"shift_terminal": 0.1},
    {"shift_terminal": 0.02, "shift": 3.0, "use_karras_sigmas": True},
    {"use_dynamic_shifting": True},
    {"use_dynamic_shifting": True, "shift": 3.0},
    {"use_dynamic_shifting": True, "time_shift_type": "linear"},
    {"use_dynamic_shifting": True, "time_shift_type": "linear", "base_shift": 0.9, "max_shift": 2.0, "base_image_seq_len": 64, "max_image_seq_len": 1024},
    {"use_dynamic_shifting": True, "shift_terminal": 0.1},
    {"use_dynamic_shifting": True, "use_exponential_sigmas": True},
    {"use_dynamic_shifting": True, "use_beta_sigmas": True, "num_train_timesteps": 250},
    {"use_karras_sigmas": True, "sigma_min": 0.02, "sigma_max": 0.98},
    {"use_exponential_sigmas": True, "sigma_min": 0.005},
    {"use_beta_sigmas": True, "sigma_max": 0.9},
    {"use_karras_sigmas": True, "shift": 3.0, "_use_default_values": ["shift"]},
]
STEPS = [1, 2, 5, 10, 28]
TOKENS = [64, 1024, 4096]


def main(path):
    records = []
    for config in CONFIGS:
        with tempfile.TemporaryDirectory() as folder:
            text = {"_class_name": "FlowMatchEulerDiscreteScheduler", **config}
            Path(folder, "scheduler_config.json").write_text(json.dumps(text))
            dynamic = config.get("use_dynamic_shifting", False)
            for tokens in TOKENS if dynamic else TOKENS[:1]:
                for steps in STEPS:
                    for kind in ("explicit", "pipeline-default"):
                        scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(folder)
                        read = scheduler.config
                        arguments = {}
                        if dynamic:
                            arguments["mu"] = calculate_shift(tokens, read.base_image_seq_len, read.max_image_seq_len, read.base_shift, read.max_shift)
                        if kind == "explicit":
                            scheduler.set_timesteps(sigmas=list(np.linspace(1.0, 1 / steps, steps)), **arguments)
                        else:
                            scheduler.set_timesteps(steps, **arguments)
                        sigmas = scheduler.sigmas.tolist()
                        record = {"config": text, "image_tokens": tokens, "kind": kind, "steps": steps}
                        # No schedule: diffusers divides by zero, or levels do not fall.
                        usable = all(math.isfinite(s) for s in sigmas) and all(a > b for a, b in zip(sigmas, sigmas[1:])) and sigmas[0] <= 1
                        record["sigmas"] = sigmas if usable else None
                        record["timesteps"] = scheduler.timesteps.tolist() if usable else None
                        records.append(record)
    Path(path).write_text("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n")
    print(len(records), "schedules,", sum(record["sigmas"] is None for record in records), "of them none")


main(sys.argv[1])
