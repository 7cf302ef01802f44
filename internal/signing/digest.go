package signing

import (
	"crypto/sha256"
	"encoding/hex"
)

// digestOf names an ordered list of hashes in the audit record: SHA-256 over their
// concatenation, all being of one length.
func digestOf(hashes [][]byte) string {
	h := sha256.New()
	for _, x := range hashes {
		h.Write(x)
	}
	return hex.EncodeToString(h.Sum(nil))
}
