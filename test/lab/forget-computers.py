# Deletes the computers whose name begins so from this DC's own database: python3 forget-computers.py SMB_CONF PREFIX
import sys
from ldb import ERR_NO_SUCH_OBJECT, LdbError
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

smb_conf, prefix = sys.argv[1:]
parameters = LoadParm()
parameters.load(smb_conf)
database = SamDB(lp=parameters, session_info=system_session(parameters))
for found in database.search(expression=f"(&(objectClass=computer)(cn={prefix}*))", attrs=["cn"]):
    try:
        database.delete(found.dn, ["tree_delete:1"])
    except LdbError as error:
        # The other DC's deletion of it has just arrived.
        if error.args[0] != ERR_NO_SUCH_OBJECT:
            raise
