"""Where pictures to learn from come from: load them, obtain them, download them."""

from nnscratch.data.dataset import (
    ARRAYS,
    Dataset,
    described,
    differing_files,
    load_dataset,
    tested_on,
)
from nnscratch.data.downloads import Fetched, download
from nnscratch.data.folder import Folder, data_folder, missing_files
from nnscratch.data.labelled import divided
from nnscratch.data.obtain import held_dataset, obtain_dataset, to_measure_on

__all__ = [
    "ARRAYS",
    "Dataset",
    "Fetched",
    "Folder",
    "data_folder",
    "described",
    "differing_files",
    "divided",
    "download",
    "held_dataset",
    "load_dataset",
    "missing_files",
    "obtain_dataset",
    "tested_on",
    "to_measure_on",
]
