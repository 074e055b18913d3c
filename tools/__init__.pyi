from .api import Model as Model
from .api import Result as Result
from .api import UserError as UserError
from .api import list_bundles as list_bundles
from .api import load as load
from .api import segment as segment

__version__: str
