"""Where each data set is to be had, and what to cite for it."""

from vrft_eval.tasks.base import DataSource

COCO = DataSource(
    "https://cocodataset.org/#download (2017 Val images, 2017 Train/Val annotations)",
    "Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014, arXiv:1405.0312",
)
LVIS = DataSource(
    "https://www.lvisdataset.org/dataset (validation set; its images are those of COCO's train2017 and val2017)",
    "Gupta, Dollár and Girshick, LVIS: A Dataset for Large Vocabulary Instance Segmentation, CVPR 2019, "
    "arXiv:1908.03195",
)
_COOP = "the paper's test images: CoOp's split, https://github.com/KaiyangZhou/CoOp/blob/main/DATASETS.md"
FLOWERS = DataSource(
    f"https://www.robots.ox.ac.uk/~vgg/data/flowers/102/; {_COOP}",
    "Nilsback and Zisserman, Automated Flower Classification over a Large Number of Classes, ICVGIP 2008",
)
PETS = DataSource(
    f"https://www.robots.ox.ac.uk/~vgg/data/pets/; {_COOP}",
    "Parkhi, Vedaldi, Zisserman and Jawahar, Cats and Dogs, CVPR 2012",
)
AIRCRAFT = DataSource(
    "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
    "Maji et al., Fine-Grained Visual Classification of Aircraft, arXiv:1306.5151",
)
CARS = DataSource(
    f"the original site is gone; {_COOP}",
    "Krause, Stark, Deng and Fei-Fei, 3D Object Representations for Fine-Grained Categorization, ICCV Workshops 2013",
)
REASONSEG = DataSource(
    "https://github.com/dvlab-research/LISA (ReasonSeg)",
    "Lai et al., LISA: Reasoning Segmentation via Large Language Model, CVPR 2024, arXiv:2308.00692",
)
MG = DataSource(
    "not published: Visual-RFT names the set (Monster Girls) and its five categories, and gives no address",
    "Liu et al., Visual-RFT: Visual Reinforcement Fine-Tuning, arXiv:2503.01785, Table 5",
)
