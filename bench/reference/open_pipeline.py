"""Opens pipeline folders with diffusers as a user does: from_pretrained(folder), no arguments. Prints one line for each; the exit code is 1 when one fails.
A folder without T5 is opened with text_encoder_3=None, tokenizer_3=None: without them diffusers refuses also what it saved itself.

usage: reference.sh bench/reference/open_pipeline.py FOLDER...
       reference.sh bench/reference/open_pipeline.py --resave FOLDER TARGET
"""
import json
import sys
from pathlib import Path

import torch
from diffusers import StableDiffusion3Pipeline


def opened(folder):
    index = json.loads(Path(folder, "model_index.json").read_text())
    absent = [name for name in ("text_encoder_3", "tokenizer_3") if index.get(name, [None])[0] is None]
    pipeline = StableDiffusion3Pipeline.from_pretrained(folder, **dict.fromkeys(absent))
    for name in ("transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3"):
        network = getattr(pipeline, name)
        if network is not None:
            # A weight that the files lack would have random or no content.
            assert all(not parameter.is_meta and torch.isfinite(parameter).all() for parameter in network.parameters()), name
    pipeline.encode_prompt("a red circle", None, None, max_sequence_length=16, do_classifier_free_guidance=False)
    return pipeline


if sys.argv[1] == "--resave":
    opened(sys.argv[2]).save_pretrained(sys.argv[3])
    sys.exit(0)
failed = False
for folder in sys.argv[1:]:
    try:
        pipeline = opened(folder)
        total = sum(parameter.double().sum().item() for parameter in pipeline.transformer.parameters())
        print(f"opened {folder} {total:.9g}", flush=True)
    except Exception as error:
        failed = True
        print(f"failed {folder} {type(error).__name__}: {error}")
sys.exit(1 if failed else 0)
