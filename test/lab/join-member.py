# Joins a domain by Samba's Net.join_member: python3 join-member.py SMB_CONF DOMAIN COMPUTER USER, the password on stdin.
import sys
from samba.credentials import Credentials, MUST_USE_KERBEROS
from samba.net import LIBNET_JOIN_AUTOMATIC, Net
from samba.param import LoadParm

smb_conf, domain, computer, user = sys.argv[1:]
parameters = LoadParm()
parameters.load(smb_conf)
credentials = Credentials()
credentials.guess(parameters)
credentials.set_username(user)
credentials.set_password(sys.stdin.read())
credentials.set_kerberos_state(MUST_USE_KERBEROS)
try:
    Net(credentials, parameters).join_member(domain, computer, LIBNET_JOIN_AUTOMATIC)
except Exception as error:
    sys.exit(str(error))
