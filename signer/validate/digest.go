package validate

import (
	"crypto"
	"errors"
	"hash"
	"io"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// hashAll computes what each signature covers. All cover the file from its start but for
// their own gap, so the file is read once for each algorithm: where a gap begins the state
// is cloned, and the clone takes the rest of that signature.
func (v *verifier) hashAll() error {
	running := map[crypto.Hash]*prefix{}
	buf := make([]byte, min(256<<10, max(v.size, 1)))
	for _, c := range v.found { // by ascending end, and so by ascending gap
		if c.der == nil || !c.parse() || c.failed() {
			continue
		}
		p := running[c.hash]
		if p == nil || p.at > c.byteRange[1] {
			p = &prefix{h: c.hash.New()}
			running[c.hash] = p
		}
		if err := v.feed(p.h, p.at, c.byteRange[1], buf); err != nil {
			return err
		}
		p.at = c.byteRange[1]
		own, err := clone(p.h)
		if err != nil {
			return err
		}
		if err := v.feed(own, c.byteRange[2], c.end, buf); err != nil {
			return err
		}
		c.digest = own.Sum(nil)
	}
	return nil
}

// prefix is the digest of the file's first bytes.
type prefix struct {
	h  hash.Hash
	at int64
}

func clone(h hash.Hash) (hash.Hash, error) {
	c, ok := h.(hash.Cloner)
	if !ok {
		return nil, errors.New("validate: a hash that can't be cloned")
	}
	return c.Clone()
}

// feed hashes bytes of the file.
func (v *verifier) feed(h hash.Hash, from, to int64, buf []byte) error {
	for from < to {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		n, err := v.src.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		h.Write(buf[:n])
		if from += int64(n); from < to && (err != nil || n == 0) {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return &pdf.Error{Reason: pdf.ReadFailed, Detail: "read file", Offset: from, Err: err}
		}
	}
	return nil
}

// parse reads the SignedData or TimeStampToken to know the digest algorithm.
func (c *candidate) parse() bool {
	var err error
	limits := cms.Limits{AllowBER: c.old(), Bytes: 4 << 20}
	if c.timestamp {
		if c.token, err = tsa.ParseToken(c.der, limits); err == nil {
			c.sd, c.hash = c.token.SignedData, c.token.Hash
		}
	} else if c.sd, err = cms.Parse(c.der, limits); err == nil {
		c.hash = c.sd.Hash()
	}
	if err != nil {
		c.sig.judge(Failed, FormatFailure, "cms_format", err)
		return false
	}
	if c.hash == 0 || !c.hash.Available() {
		c.sig.judge(Indeterminate, CryptoConstraints, "algorithm_unknown")
		return false
	}
	return true
}
