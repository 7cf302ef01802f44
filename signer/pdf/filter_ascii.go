package pdf

import (
	"bufio"
	"errors"
	"io"
)

// hexReader decodes ASCIIHexDecode data (ISO 32000-1, Section 7.4.2).
type hexReader struct {
	src  *bufio.Reader
	done bool
}

func (h *hexReader) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) && !h.done {
		hi, err := h.digit()
		if err != nil {
			return n, err
		}
		if hi < 0 {
			break
		}
		lo, err := h.digit()
		if err != nil {
			return n, err
		}
		b[n] = byte(hi<<4 | max(lo, 0))
		n++
	}
	if n == 0 && h.done {
		return 0, io.EOF
	}
	return n, nil
}

// digit returns the next digit, or -1 at the end of the data.
func (h *hexReader) digit() (int, error) {
	for {
		if h.done {
			return -1, nil
		}
		c, err := h.src.ReadByte()
		if err == io.EOF || err == nil && c == '>' {
			h.done = true
			return -1, nil
		}
		if err != nil {
			return 0, err
		}
		if v := unhex(c); v >= 0 {
			return v, nil
		}
		if !isSpace(c) {
			return 0, errors.New("malformed ASCIIHex data")
		}
	}
}

// ascii85Reader decodes ASCII85Decode data (Section 7.4.3).
type ascii85Reader struct {
	src  *bufio.Reader
	out  []byte
	buf  [4]byte
	done bool
}

func (a *ascii85Reader) Read(b []byte) (int, error) {
	for len(a.out) == 0 {
		if a.done {
			return 0, io.EOF
		}
		if err := a.group(); err != nil {
			return 0, err
		}
	}
	n := copy(b, a.out)
	a.out = a.out[n:]
	return n, nil
}

var errASCII85 = errors.New("malformed ASCII85 data")

func (a *ascii85Reader) group() error {
	var v uint64
	n := 0
	for n < 5 {
		c, err := a.src.ReadByte()
		switch {
		case err == io.EOF || err == nil && c == '~':
			a.done = true
			return a.finish(v, n)
		case err != nil:
			return err
		case isSpace(c):
		case c == 'z' && n == 0:
			a.buf = [4]byte{}
			a.out = a.buf[:]
			return nil
		case c < '!' || c > 'u':
			return errASCII85
		default:
			v = v*85 + uint64(c-'!')
			n++
		}
	}
	if v > 1<<32-1 {
		return errASCII85
	}
	a.put(v, 4)
	return nil
}

// finish decodes the last, partial group of n characters.
func (a *ascii85Reader) finish(v uint64, n int) error {
	if n == 0 {
		return nil
	}
	if n == 1 {
		return errASCII85
	}
	for range 5 - n {
		v = v*85 + 84
	}
	if v > 1<<32-1 {
		return errASCII85
	}
	a.put(v, n-1)
	return nil
}

func (a *ascii85Reader) put(v uint64, n int) {
	a.buf = [4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	a.out = a.buf[:n]
}

// runLengthReader decodes RunLengthDecode data (Section 7.4.5).
type runLengthReader struct {
	src    *bufio.Reader
	n      int  // bytes left of the run
	repeat bool // of value
	value  byte
}

func (r *runLengthReader) Read(b []byte) (int, error) {
	for r.n == 0 {
		c, err := r.src.ReadByte()
		if err != nil {
			return 0, err
		}
		switch {
		case c == 128:
			return 0, io.EOF
		case c < 128:
			r.n, r.repeat = int(c)+1, false
		default:
			r.n, r.repeat = 257-int(c), true
			if r.value, err = r.src.ReadByte(); err != nil {
				return 0, io.ErrUnexpectedEOF
			}
		}
	}
	n := min(len(b), r.n)
	if r.repeat {
		for i := range b[:n] {
			b[i] = r.value
		}
	} else {
		var err error
		if n, err = r.src.Read(b[:n]); err != nil {
			return n, io.ErrUnexpectedEOF
		}
	}
	r.n -= n
	return n, nil
}
