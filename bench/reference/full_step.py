"""The step of `-- full-step` in PyTorch, diffusers and PEFT: LeapAlign with LoRA on a folder that `-- make sd3.5-medium` wrote, gradient checkpointing in the transformer and the decoder.

Prints processor seconds and anonymous memory of each step. Captions are not encoded: their embeddings are random numbers of the right shapes.
usage: reference.sh full_step.py FOLDER [--size 256] [--steps 2] [--rank 32] [--n 10] [--threads 1]
"""
import argparse
import threading
import time

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, SD3Transformer2DModel
from peft import LoraConfig
from transformers import CLIPModel

arguments = argparse.ArgumentParser()
arguments.add_argument("folder")
arguments.add_argument("--size", type=int, default=256)
arguments.add_argument("--steps", type=int, default=2)
arguments.add_argument("--rank", type=int, default=32)
arguments.add_argument("--n", type=int, default=10)
arguments.add_argument("--threads", type=int, default=1)
o = arguments.parse_args()
torch.set_num_threads(o.threads)
ALPHA, TAU = 0.3, 0.1


def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 2**20


class Peak:
    def __init__(self):
        self.highest, self.ends = 0.0, False
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.ends:
            self.highest = max(self.highest, anonymous())
            time.sleep(0.02)


peak = Peak()
began = time.process_time()
dit = SD3Transformer2DModel.from_pretrained(f"{o.folder}/model/transformer", torch_dtype=torch.bfloat16).requires_grad_(False)
vae = AutoencoderKL.from_pretrained(f"{o.folder}/model/vae", torch_dtype=torch.bfloat16).requires_grad_(False)
clip = CLIPModel.from_pretrained(f"{o.folder}/reward", dtype=torch.bfloat16).eval().requires_grad_(False)
names = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out", "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2"]
dit.add_adapter(LoraConfig(r=o.rank, lora_alpha=o.rank, target_modules=names))
for name, weight in dit.named_parameters():
    if "lora" in name:
        weight.data = weight.data.float()
dit.enable_gradient_checkpointing()
vae.enable_gradient_checkpointing()
dit.train()
vae.train()
trained = [weight for weight in dit.parameters() if weight.requires_grad]
optimizer = torch.optim.AdamW(trained, 1e-4)
print(f"open {time.process_time() - began:.1f} cpu s, anonymous {anonymous():.2f} GiB, {sum(weight.numel() for weight in trained) / 1e6:.1f} M trained numbers", flush=True)

random = torch.Generator().manual_seed(0)
context, pooled = torch.randn(1, 333, 4096, generator=random).bfloat16(), torch.randn(1, 2048, generator=random).bfloat16()
text = F.normalize(torch.randn(1, 768, generator=random), dim=-1)
u = torch.linspace(1, 1 / o.n, o.n)
sigma = torch.cat([3 * u / (1 + 2 * u), torch.zeros(1)])


def velocity(x, level):
    with torch.autocast("cpu", torch.bfloat16):
        return dit(hidden_states=x.bfloat16(), timestep=torch.full((1,), float(level) * 1000), encoder_hidden_states=context, pooled_projections=pooled, return_dict=False)[0].float()


for step in range(o.steps):
    began = time.process_time()
    k, j = sorted(torch.randperm(o.n, generator=random)[:2].tolist())
    x = torch.randn(1, 16, o.size // 8, o.size // 8, generator=random)
    for i in range(o.n):
        if i == k:
            v = velocity(x, sigma[i])
            leap = x + (sigma[j] - sigma[k]) * v
            v = v.detach()
        elif i == j:
            near = (leap.detach() - x).abs().mean()
            joined = leap + (x - leap).detach()
            v = velocity(ALPHA * joined + (1 - ALPHA) * joined.detach(), sigma[j])
            last = joined - sigma[j] * v
            v = v.detach()
        else:
            with torch.no_grad():
                v = velocity(x, sigma[i])
        x = x + (sigma[i + 1] - sigma[i]) * v
    far = (last.detach() - x).abs().mean()
    picture = vae.decode((last + (x - last).detach()).bfloat16() / vae.config.scaling_factor + vae.config.shift_factor).sample.float().mul(0.5).add(0.5).clamp(0, 1)
    pixels = F.interpolate(picture, (224, 224), mode="bicubic", antialias=True)
    seen = clip.get_image_features(pixel_values=pixels.bfloat16())
    seen = seen.pooler_output if hasattr(seen, "pooler_output") else seen
    score = (F.normalize(seen.float(), dim=-1) * text).sum()
    (-score / (near.clamp(min=TAU) + far.clamp(min=TAU))).backward()
    norm = torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    print(f"step {step} {time.process_time() - began:.1f} cpu s, anonymous {anonymous():.2f} GiB, gradient {norm:.3g}", flush=True)
print(f"peak anonymous {peak.highest:.2f} GiB")
