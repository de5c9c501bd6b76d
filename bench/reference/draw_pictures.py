"""Draws pictures with diffusers from pipeline folders and LoRA files, and makes LoRA files with diffusers and with PEFT.

usage: reference.sh bench/reference/draw_pictures.py JOB.json

The job: `base` (a pipeline folder), `card` (the README.md of an export, whose arguments are handed over), `call` (further arguments), `captions`, `noise` (a safetensors file, [B,C,h,w] by name), `make`
(folders to be written: `diffusers`, `peft`), `drawings` (`name`, the `noise` it begins as, and what it is drawn with: a `merged` folder, a `lora` folder of diffusers, a `peft` folder, or the base alone),
`output`. The pictures are written there by name, [B,height,width,3] in 0..1, fp32.
"""
import json
import re
import sys
from pathlib import Path

import diffusers
import peft
import torch
from safetensors.torch import load_file, save_file

# Rank and alpha differ from each other, and between layers.
LORA = {"r": 3, "lora_alpha": 5, "rank_pattern": {"attn.to_k": 2, "attention.to_k": 2}, "alpha_pattern": {"attn.to_v": 9, "attention.to_v": 9}}
LAYERS = re.compile(r"(?:blocks|layers|refiner)\..*(?:(?:attn|attention)\.(?:to_q|to_k|to_v|to_out\.0|add_q_proj)|ff\.net\.2|proj_out|feed_forward\.w2)$")


def opened(folder):
    index = json.loads(Path(folder, "model_index.json").read_text())
    return getattr(diffusers, index["_class_name"]).from_pretrained(folder, torch_dtype=torch.float32)


def config(transformer):
    linear = [name for name, layer in transformer.named_modules() if isinstance(layer, torch.nn.Linear)]
    return peft.LoraConfig(target_modules=[name for name in linear if LAYERS.search(name)], **LORA)


def fill(transformer):
    """B begins with zeros, which would change nothing."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in transformer.named_parameters():
        if ".lora_B." in name:
            parameter.data = 0.05 * torch.randn(parameter.shape, generator=generator)


def make(base, folders):
    torch.manual_seed(0)
    pipeline = opened(base)
    pipeline.transformer.add_adapter(config(pipeline.transformer))
    fill(pipeline.transformer)
    pipeline.save_lora_weights(
        folders["diffusers"],
        transformer_lora_layers=peft.get_peft_model_state_dict(pipeline.transformer),
        transformer_lora_adapter_metadata=pipeline.transformer.peft_config["default"].to_dict())
    transformer = opened(base).transformer
    adapted = peft.get_peft_model(transformer, config(transformer))
    fill(adapted)
    adapted.save_pretrained(folders["peft"])


def told(card):
    return {name: json.loads(value) for name, value in re.findall(r"\b(max_sequence_length|guidance_scale)=([\d.]+\d|\d)", Path(card).read_text())}


def draw(job, drawing, noise):
    pipeline = opened(drawing.get("merged", job["base"]))
    if "lora" in drawing:
        pipeline.load_lora_weights(drawing["lora"])
        assert pipeline.get_active_adapters(), drawing["lora"]
    if "peft" in drawing:
        pipeline.transformer = peft.PeftModel.from_pretrained(pipeline.transformer, drawing["peft"]).merge_and_unload()
    pipeline.set_progress_bar_config(disable=True)
    height, width = (edge * pipeline.vae_scale_factor for edge in noise.shape[2:])
    if isinstance(pipeline, diffusers.FluxPipeline):
        noise = pipeline._pack_latents(noise, *noise.shape)
    with torch.no_grad():
        # ZImagePipeline writes the messages that captions become into the list that it is given.
        pictures = pipeline(list(job["captions"]), latents=noise, height=height, width=width, output_type="pt", **told(job["card"]), **job["call"]).images
    return pictures.permute(0, 2, 3, 1).float().contiguous()


job = json.loads(Path(sys.argv[1]).read_text())
make(job["base"], job["make"])
noises = load_file(job["noise"])
save_file({drawing["name"]: draw(job, drawing, noises[drawing["noise"]]) for drawing in job["drawings"]}, job["output"])
