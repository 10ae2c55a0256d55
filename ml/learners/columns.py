"""From a frame of features to the matrix that every classifier reads.

Counts and money are so skewed that their logarithm is what models want; what is unknown gets the median
and says so in a column of its own; a category that was never seen, or hardly ever, is "another one".
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

#: A category with fewer rows than this share of all is "another one".
RARE_SHARE = 0.005
_MISSING = "(none)"


def signed_log(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """``sign(x) * log(1 + |x|)``; keeps the order of values, and NaN."""
    numbers = np.asarray(values, dtype=float)
    logs: npt.NDArray[np.float64] = np.sign(numbers) * np.log1p(np.abs(numbers))
    return logs


def as_features(frame: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str] = ()) -> pd.DataFrame:
    """The named columns of ``frame``: numbers and booleans as floats, categories as text, unknown ones named.

    Raises ``ValueError`` naming the columns that are missing, or the one that holds no numbers.
    """
    missing = [column for column in [*numeric, *categorical] if column not in frame.columns]
    if missing:
        raise ValueError(f"features: expected columns {', '.join(missing)}, which the frame lacks")
    columns: dict[str, object] = {}
    for column in numeric:
        try:
            numbers = frame[column].astype("float64").to_numpy(copy=True)
        except (TypeError, ValueError) as error:
            raise ValueError(f"features.{column}: expected numbers ({error})") from None
        numbers[np.isinf(numbers)] = np.nan
        columns[column] = numbers
    for column in categorical:
        known = frame[column].notna()
        columns[column] = frame[column].astype("str").where(known, _MISSING).to_numpy(dtype=object)
    return pd.DataFrame(columns, index=frame.index)


def preprocessor(numeric: Sequence[str], categorical: Sequence[str] = ()) -> ColumnTransformer:
    """An unfitted transformer of :func:`as_features` frames into a dense matrix of standardised columns."""
    numbers = make_pipeline(
        FunctionTransformer(func=signed_log, feature_names_out="one-to-one"),
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    categories = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE_SHARE, sparse_output=False)
    parts = [("numbers", numbers, list(numeric))]
    if categorical:
        parts.append(("categories", categories, list(categorical)))
    return ColumnTransformer(transformers=parts, sparse_threshold=0, verbose_feature_names_out=False)


def made_of(reader: ColumnTransformer, numeric: Sequence[str], categorical: Sequence[str] = ()) -> list[str]:
    """Which column each column of a fitted :func:`preprocessor`'s matrix is made of, in the matrix's order."""
    indicator = reader.named_transformers_["numbers"][1].indicator_
    sources = [*numeric, *(numeric[column] for column in indicator.features_)]
    if categorical:
        # A copy that names a category by its column alone: "device_new" may be of "device", or of "device_new".
        encoder = copy(reader.named_transformers_["categories"]).set_params(feature_name_combiner=_its_column)
        sources += [str(name) for name in encoder.get_feature_names_out()]
    return sources


def _its_column(column: str, category: object) -> str:
    return column
