"""Read the parts of a photograph in one pass of a vision transformer, from what it makes of each patch.

The values of the last attention layer are taken, projected as the class token is: they describe their own patch, which
the layer's output does not (MaskCLIP: Zhou, Loy and Dai, Extract Free Dense Labels from CLIP, ECCV 2022).
"""

from typing import Any


def with_patches(visual: Any) -> Any:
    """Return an image tower of open_clip that also gives its patches, or None for a model without such patches.

    It takes pixels [n, 3, h, w] and returns unit vectors [n, d] and unit vectors of the patches [n, rows, columns, d].
    Models of other libraries and models that pool by attention have no patches in the space of their vectors.
    """
    import torch
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
    from torch.nn import functional

    if not isinstance(visual, VisionTransformer) or visual.attn_pool is not None or visual.proj is None:
        return None
    *blocks, last = visual.transformer.resblocks
    if not isinstance(last, ResidualAttentionBlock):
        return None
    model: Any = visual

    class PatchTower(torch.nn.Module):
        """The tower with both outputs."""

        def __init__(self) -> None:
            super().__init__()
            self.visual = model

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            tokens = model._embeds(pixels)
            for block in blocks:
                tokens = block(tokens)
            pooled, _ = model._pool(last(tokens))
            attention = last.attn
            width = attention.embed_dim
            values = functional.linear(
                last.ln_1(tokens[:, 1:]), attention.in_proj_weight[2 * width :], attention.in_proj_bias[2 * width :]
            )
            patches = model.ln_post(last.ls_1(attention.out_proj(values))) @ model.proj
            patches = patches.reshape(-1, *model.grid_size, patches.shape[-1])
            return functional.normalize(pooled @ model.proj, dim=-1), functional.normalize(patches, dim=-1)

    return PatchTower().eval()
