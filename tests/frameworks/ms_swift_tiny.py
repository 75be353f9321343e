"""A plugin for ms-swift: its Qwen2-VL template for the small shipped checkpoint, whose image token is another."""

from __future__ import annotations

from swift.template import register_template  # type: ignore[import-not-found]
from swift.template.templates.qwen import Qwen2VLTemplate, QwenTemplateMeta  # type: ignore[import-not-found]


class TinyTemplate(Qwen2VLTemplate):  # type: ignore[misc]
    """ms-swift has the numbers of Qwen's own vocabulary in its code."""

    image_token_id = 1632
    video_token_id = 1633


register_template(QwenTemplateMeta("tiny_qwen2_vl", template_cls=TinyTemplate))
