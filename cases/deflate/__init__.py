"""permessage-deflate (RFC 7692) and the DEFLATE streams it carries (RFC 1951)."""
