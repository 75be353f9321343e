"""The categories that Visual-RFT (arXiv 2503.01785) averages over, with where each list is written."""

# Table 3, and `selected_cate` ("8 classes") of the released coco_evaluation/Qwen2_VL_coco_infere.py.
FEWSHOT8 = ("bus", "train", "fire hydrant", "stop sign", "cat", "dog", "bed", "toilet")

# `selected_cate` ("15 new classes") of the same script; the paper gives their number and mean only (Table 7).
NOVEL15 = (
    *("mouse", "fork", "hot dog", "cat", "airplane", "suitcase", "parking meter", "sandwich"),
    *("train", "hair drier", "toilet", "toaster", "snowboard", "frisbee", "bear"),
)

# No source lists these. The paper says that there are 65, and they are the rest of COCO's 80: its Table 7 has
# mAP_all = (15 mAP_novel + 65 mAP_base) / 80 in every row, to the rounding.
BASE65 = (
    *("person", "bicycle", "car", "motorcycle", "bus", "truck", "boat", "traffic light", "fire hydrant"),
    *("stop sign", "bench", "bird", "dog", "horse", "sheep", "cow", "elephant", "zebra", "giraffe", "backpack"),
    *("umbrella", "handbag", "tie", "skis", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard"),
    *("surfboard", "tennis racket", "bottle", "wine glass", "cup", "knife", "spoon", "bowl", "banana", "apple"),
    *("orange", "broccoli", "carrot", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed"),
    *("dining table", "tv", "laptop", "remote", "keyboard", "cell phone", "microwave", "oven", "sink"),
    *("refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "toothbrush"),
)

# Table 4, and `selected_cate` ("6 classes") of the released lvis_evaluation/Qwen2_VL_lvis_infere.py.
RARE6 = ("horse_buggy", "die", "kitchen_table", "omelet", "papaya", "stepladder")

# Table 8, and `selected_cate` ("13 classes") of the same script.
RARE13 = (
    *("casserole", "die", "egg_roll", "futon", "garbage", "handsaw", "hippopotamus", "kitchen_table"),
    *("mallet", "omelet", "shot_glass", "stepladder", "sugar_bowl"),
)

# Table 5; the released source has none of it.
MONSTER_GIRLS = ("bird", "feline-or-canid", "serpent", "slime", "wyvern")
