package cms

import "golang.org/x/crypto/cryptobyte"

// Limits bound what [Parse] takes from strangers. A zero field means its default.
type Limits struct {
	Bytes        int // whole input; default 16 MiB
	Depth        int // nesting of constructed values; default 48
	Certificates int // default 100
	Attributes   int // signed and unsigned, and values of each; default 64

	// AllowBER takes indefinite lengths, long lengths and constructed strings
	// (X.690, Section 8) by rewriting them as DER first. Old files have them.
	AllowBER bool
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int
		def   int
	}{{&l.Bytes, 16 << 20}, {&l.Depth, 48}, {&l.Certificates, 100}, {&l.Attributes, 64}} {
		if *f.field <= 0 {
			*f.field = f.def
		}
	}
	return l
}

// Split cuts the first DER element off in. A PDF pads Contents with zeros:
// whether rest may be there, and hold what, is the caller's to judge.
func Split(in []byte) (element, rest []byte, err error) {
	h, err := readHeader(in)
	if err != nil {
		return nil, nil, err
	}
	if h.indefinite || h.length > len(in)-h.size {
		return nil, nil, fail(ErrMalformed, "element is cut off or of indefinite length")
	}
	end := h.size + h.length
	return in[:end], in[end:], nil
}

// header is the start of a BER element: identifier and length octets.
type header struct {
	tag        byte
	size       int  // of the header itself, in bytes
	length     int  // of the contents, in bytes
	indefinite bool // 0x80: contents end at 00 00
	minimal    bool // the length is in its only DER form
}

func (h header) constructed() bool { return h.tag&0x20 != 0 }

// readHeader reads one header and never past in. Tag numbers above 30 do not
// occur in CMS and are refused; so are lengths of more than 4 bytes.
func readHeader(in []byte) (header, error) {
	if len(in) < 2 {
		return header{}, fail(ErrMalformed, "element cut off in its header")
	}
	h := header{tag: in[0], size: 2, minimal: true}
	if h.tag&0x1F == 0x1F {
		return header{}, fail(ErrMalformed, "tag number above 30")
	}
	first := in[1]
	if first < 0x80 {
		h.length = int(first)
		return h, nil
	}
	if first == 0x80 {
		h.indefinite = true
		return h, nil
	}
	n := int(first & 0x7F)
	if n > 4 || len(in) < 2+n {
		return header{}, fail(ErrMalformed, "length of %d bytes", n)
	}
	length := uint64(0)
	for _, c := range in[2 : 2+n] {
		length = length<<8 | uint64(c)
	}
	if length > 1<<31-1 {
		return header{}, fail(ErrTooLarge, "element of %d bytes", length)
	}
	h.size, h.length = 2+n, int(length)
	h.minimal = length >= 0x80 && in[2] != 0
	return h, nil
}

// checkDER walks every element of in, which must be exactly one, and refuses
// what is cut off, not in DER lengths, or nested deeper than depth.
func checkDER(in []byte, depth int) error {
	element, rest, err := Split(in)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fail(ErrTrailingData, "%d bytes behind the value", len(rest))
	}
	ends := make([]int, 1, 16) // where the open constructed elements end
	ends[0] = len(element)
	for at := 0; ; {
		for at == ends[len(ends)-1] {
			if ends = ends[:len(ends)-1]; len(ends) == 0 {
				return nil
			}
		}
		end := ends[len(ends)-1]
		h, err := readHeader(in[at:end])
		if err != nil {
			return err
		}
		if h.indefinite || !h.minimal || h.length > end-at-h.size {
			return fail(ErrMalformed, "element at offset %d is not DER", at)
		}
		at += h.size
		if !h.constructed() {
			at += h.length
			continue
		}
		if len(ends) > depth {
			return fail(ErrTooDeep, "nested deeper than %d", depth)
		}
		ends = append(ends, at+h.length)
	}
}

// checked applies the limits and returns in as DER.
func checked(in []byte, l Limits) (cryptobyte.String, error) {
	if len(in) > l.Bytes {
		return nil, fail(ErrTooLarge, "%d bytes, at most %d", len(in), l.Bytes)
	}
	err := checkDER(in, l.Depth)
	if err != nil && l.AllowBER && CodeOf(err) == ErrMalformed {
		if in, err = toDER(in, l.Depth); err == nil {
			err = checkDER(in, l.Depth)
		}
	}
	return in, err
}
