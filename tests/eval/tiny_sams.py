"""SAM, SAM 2 and SAM 3 as they are published, but tiny and with random weights: real in every part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file

hf: Any = transformers

DECODER = {"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16}
MEMORY = {
    "memory_attention_hidden_size": 32,
    "memory_attention_num_layers": 1,
    "memory_attention_feed_forward_hidden_size": 64,
    "memory_attention_rope_feat_sizes": [8, 8],
    "memory_encoder_hidden_size": 32,
    "memory_encoder_output_channels": 16,
    "mask_downsampler_embed_dim": 32,
    "memory_fuser_embed_dim": 32,
    "memory_fuser_intermediate_dim": 64,
    "memory_fuser_num_layers": 1,
}


def write_sam(folder: Path) -> Path:
    """Write a SAM of 64 x 64 pixels, with three masks a prompt."""
    config = hf.SamConfig(
        vision_config={
            "hidden_size": 32,
            "output_channels": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 16,
            "mlp_dim": 64,
            "num_pos_feats": 16,
            "window_size": 3,
            "global_attn_indexes": [1],
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "patch_size": 16},
        mask_decoder_config=DECODER,
    )
    torch.manual_seed(0)
    hf.SamModel(config).save_pretrained(folder)
    image_processor = hf.SamImageProcessor(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    hf.SamProcessor(image_processor).save_pretrained(folder)
    return folder


def write_sam2(folder: Path, *, video: bool = False, stability: bool = True) -> Path:
    """Write a SAM 2 of 0.1 M parameters; the video model is what is published, and holds the image model.

    Without `stability` the single mask stands even where the model itself would rather take one of its three.
    """
    vision = {
        "backbone_config": {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": 8,
            "num_attention_heads": 1,
            "image_size": [128, 128],
            "blocks_per_stage": [1, 1, 2, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads_per_stage": [1, 1, 2, 2],
            "window_size_per_stage": [4, 4, 4, 4],
            "global_attention_blocks": [3],
            "window_positional_embedding_background_size": [4, 4],
        },
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        "fpn_hidden_size": 32,
    }
    parts = {
        "vision_config": {"model_type": "sam2_vision_model", **vision},
        "prompt_encoder_config": {"hidden_size": 32, "image_size": 128, "patch_size": 16},
        "mask_decoder_config": {**DECODER, "dynamic_multimask_via_stability": stability},
    }
    torch.manual_seed(0)
    if video:
        model = hf.Sam2VideoModel(hf.Sam2VideoConfig(**parts, image_size=128, **MEMORY))
    else:
        model = hf.Sam2Model(hf.Sam2Config(**parts))
    model.save_pretrained(folder)
    _write_processor(folder, hf.Sam2Processor, hf.Sam2ImageProcessor, 128)
    return folder


def write_sam3(folder: Path, *, video: bool = False) -> Path:
    """Write a SAM 3 tracker; the published video model holds it beside a detector."""
    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 112,
        "patch_size": 14,
        "window_size": 4,
        "global_attn_indexes": [1],
        "pretrain_image_size": 56,
    }
    sizes = [[32, 32], [16, 16], [8, 8]]
    vision = {
        "model_type": "sam3_vision_model",
        "backbone_config": backbone,
        "fpn_hidden_size": 32,
        "backbone_feature_sizes": sizes,
    }
    parts = {
        "vision_config": vision,
        "prompt_encoder_config": {"hidden_size": 32, "image_size": 112, "patch_size": 14},
        "mask_decoder_config": DECODER,
    }
    torch.manual_seed(0)
    if video:
        _write_sam3_video(folder, vision, parts)
    else:
        hf.Sam3TrackerModel(hf.Sam3TrackerConfig(**parts)).save_pretrained(folder)
    _write_processor(folder, hf.Sam3TrackerProcessor, hf.Sam3ImageProcessor, 112)
    return folder


def _write_sam3_video(folder: Path, vision: dict[str, Any], parts: dict[str, Any]) -> None:
    small = {"hidden_size": 32, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    text = {
        "vocab_size": 64,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "projection_dim": 32,
        "max_position_embeddings": 16,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    detector = hf.Sam3Config(
        vision_config=vision,
        text_config=text,
        geometry_encoder_config=small,
        detr_encoder_config=small,
        detr_decoder_config={**small, "num_queries": 4},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    tracker = hf.Sam3TrackerVideoConfig(**parts, image_size=112, **MEMORY)
    config = hf.Sam3VideoConfig(detector_config=detector.to_dict(), tracker_config=tracker.to_dict())
    model = hf.Sam3VideoModel(config)
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    # transformers 5.23 writes the tracker's prefix twice when it saves this model; the published weights have it once.
    weights = {name: tensor.clone().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def _write_processor(folder: Path, processor: Any, image_processor: Any, size: int) -> None:
    side, mask = {"height": size, "width": size}, {"height": 32, "width": 32}
    processor(image_processor(size=side, mask_size=mask)).save_pretrained(folder)
