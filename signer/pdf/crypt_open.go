package pdf

import "strings"

// openCrypt reads the Encrypt dictionary, if there is one, and finds the file
// key by the empty or the given password.
func (r *Reader) openCrypt(opts Options) error {
	v := r.Last()
	o, err := v.Resolve(v.Trailer().Get("Encrypt"))
	if err != nil || !v.Trailer().Has("Encrypt") {
		return err
	}
	d, ok := o.(*Dict)
	if !ok {
		return refuse(Damaged, "Encrypt is not a dictionary")
	}
	if f := d.Name("Filter"); f != "Standard" {
		if f == "Adobe.PubSec" || strings.HasPrefix(string(d.Name("SubFilter")), "adbe.pkcs7.") {
			return refuse(PublicKeySecurity, "the file is encrypted for the holders of certificates")
		}
		return refuse(UnsupportedEncrypt, "security handler %q", f)
	}
	h, err := readStandard(d, v)
	if err != nil {
		return err
	}
	c := &crypt{encryptMetadata: h.encryptMetadata}
	if err := h.methods(c, v); err != nil {
		return err
	}
	for _, p := range []string{"", opts.Password} {
		if c.key = h.authenticate([]byte(p)); c.key != nil {
			break
		}
	}
	if c.key == nil {
		return refuse(EncryptedPassword, "the file needs a password, or another one")
	}
	c.dict, _ = v.Trailer().Get("Encrypt").(Ref)
	r.crypt, r.cache = c, objectCache{} // what was read so far was not decrypted
	return nil
}

// standard is the standard security handler's dictionary (ISO 32000-2, Table
// 21).
type standard struct {
	dict            *Dict
	v, r            int64
	p               uint32
	keyLen          int // bytes
	o, u, oe, ue    []byte
	id              []byte
	encryptMetadata bool
}

func readStandard(d *Dict, v *View) (*standard, error) {
	h := &standard{dict: d, encryptMetadata: true, keyLen: 5}
	var err error
	if h.v, err = v.intValue(d.Get("V")); err != nil {
		return nil, err
	}
	if h.r, err = v.intValue(d.Get("R")); err != nil {
		return nil, err
	}
	p, err := v.intValue(d.Get("P"))
	if err != nil {
		return nil, err
	}
	h.p = uint32(p)
	known := (h.v == 1 || h.v == 2) && (h.r == 2 || h.r == 3) || h.v == 4 && h.r == 4 || h.v == 5 && (h.r == 5 || h.r == 6)
	if !known {
		return nil, refuse(UnsupportedEncrypt, "encryption version %d, revision %d", h.v, h.r)
	}
	switch {
	case h.v == 2:
		if n, ok := d.Int("Length"); ok {
			if n < 40 || n > 128 || n%8 != 0 {
				return nil, refuse(UnsupportedEncrypt, "encryption key of %d bits", n)
			}
			h.keyLen = int(n / 8)
		}
	case h.v >= 4:
		h.keyLen = 16
		if b, ok := d.Get("EncryptMetadata").(bool); ok {
			h.encryptMetadata = b
		}
	}
	size := 32
	if h.r >= 5 {
		size = 48
	}
	for _, s := range []struct {
		key  Name
		to   *[]byte
		size int
	}{{"O", &h.o, size}, {"U", &h.u, size}, {"OE", &h.oe, 32}, {"UE", &h.ue, 32}} {
		if h.r < 5 && len(s.key) == 2 {
			continue
		}
		o, err := v.Resolve(d.Get(s.key))
		if err != nil {
			return nil, err
		}
		b, _ := o.(String)
		if len(b) < s.size {
			return nil, refuse(Damaged, "Encrypt dictionary with a short %s", s.key)
		}
		*s.to = []byte(b[:s.size])
	}
	ids, err := listOf(v.Trailer().Get("ID"), v)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		s, _ := ids[0].(String)
		h.id = []byte(s)
	}
	return h, nil
}

// methods reads CF, StmF and StrF.
func (h *standard) methods(c *crypt, v *View) error {
	if h.v < 4 {
		c.strings, c.streams = methodRC4, methodRC4
		return nil
	}
	c.filters = map[Name]cryptMethod{"Identity": methodIdentity}
	o, err := v.Resolve(h.dict.Get("CF"))
	if err != nil {
		return err
	}
	for _, e := range entriesOf(o) {
		o, err := v.Resolve(e.Value)
		if err != nil {
			return err
		}
		m, err := cryptMethodOf(DictOf(o).Name("CFM"))
		if err != nil {
			return err
		}
		if (m == methodAESV3) != (h.v == 5) && m != methodIdentity {
			return refuse(UnsupportedEncrypt, "crypt filter %s does not fit encryption version %d", e.Key, h.v)
		}
		c.filters[e.Key] = m
	}
	for _, s := range []struct {
		key Name
		to  *cryptMethod
	}{{"StmF", &c.streams}, {"StrF", &c.strings}} {
		name := h.dict.Name(s.key)
		if name == "" {
			name = "Identity"
		}
		m, ok := c.filters[name]
		if !ok {
			return refuse(Damaged, "crypt filter %s is not declared", name)
		}
		*s.to = m
	}
	return nil
}

func entriesOf(o Object) []Entry {
	if d := DictOf(o); d != nil {
		return d.Entries
	}
	return nil
}

func cryptMethodOf(cfm Name) (cryptMethod, error) {
	switch cfm {
	case "", "None":
		return methodIdentity, nil
	case "V2":
		return methodRC4, nil
	case "AESV2":
		return methodAESV2, nil
	case "AESV3":
		return methodAESV3, nil
	}
	return 0, refuse(UnsupportedEncrypt, "crypt method %s", cfm)
}
