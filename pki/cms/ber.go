package cms

// toDER rewrites one BER element as DER as far as lengths go: indefinite and
// long lengths become the shortest, constructed OCTET STRINGs become primitive
// (X.690, Sections 8.1.3, 8.7.3 and 10.1). What is DER already comes out as it
// was, so certificates keep their bytes. Sets are not sorted.
func toDER(in []byte, depth int) ([]byte, error) {
	c := berConverter{depth: depth}
	out, rest, err := c.element(in, 0)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fail(ErrTrailingData, "%d bytes behind the value", len(rest))
	}
	return out, nil
}

type berConverter struct{ depth int }

const (
	tagOctetString            = 0x04
	tagConstructedOctetString = 0x24
)

// element converts the first element of in and returns what follows it.
func (c berConverter) element(in []byte, level int) (out, rest []byte, err error) {
	if level > c.depth {
		return nil, nil, fail(ErrTooDeep, "nested deeper than %d", c.depth)
	}
	h, err := readHeader(in)
	if err != nil {
		return nil, nil, err
	}
	body := in[h.size:]
	if !h.indefinite {
		if h.length > len(body) {
			return nil, nil, fail(ErrMalformed, "element is cut off")
		}
		body, rest = body[:h.length], body[h.length:]
	}
	if !h.constructed() {
		if h.indefinite {
			return nil, nil, fail(ErrMalformed, "primitive element of indefinite length")
		}
		return prependHeader(h.tag, body), rest, nil
	}
	var contents []byte
	for {
		if h.indefinite && len(body) >= 2 && body[0] == 0 && body[1] == 0 {
			rest = body[2:] // end-of-contents
			break
		}
		if !h.indefinite && len(body) == 0 {
			break
		}
		var child []byte
		if child, body, err = c.element(body, level+1); err != nil {
			return nil, nil, err
		}
		if h.tag == tagConstructedOctetString {
			if child, err = octets(child); err != nil {
				return nil, nil, err
			}
		}
		contents = append(contents, child...)
	}
	if h.tag == tagConstructedOctetString {
		return prependHeader(tagOctetString, contents), rest, nil
	}
	return prependHeader(h.tag, contents), rest, nil
}

// octets returns the contents of a primitive OCTET STRING element.
func octets(element []byte) ([]byte, error) {
	h, err := readHeader(element)
	if err != nil || h.tag != tagOctetString {
		return nil, fail(ErrMalformed, "constructed OCTET STRING holds something else")
	}
	return element[h.size:], nil
}
