package pdf

import (
	"bufio"
	"errors"
	"io"
)

// lzwReader decodes LZWDecode data (ISO 32000-1, Section 7.4.4.2). It differs
// from compress/lzw in when codes get longer.
type lzwReader struct {
	src    *bufio.Reader
	early  int // 1 when codes grow one code early, the default
	bits   uint32
	nbits  uint
	width  uint
	next   int // the next code to define
	prev   int // the code before, -1 at the start
	prefix [4096]uint16
	suffix [4096]byte
	length [4096]uint16
	out    []byte
	buf    [4096]byte
	done   bool
}

const (
	lzwClear = 256
	lzwEnd   = 257
)

func newLZWReader(src io.Reader, earlyChange bool) *lzwReader {
	l := &lzwReader{src: bufio.NewReader(src)}
	if earlyChange {
		l.early = 1
	}
	for i := range 256 {
		l.suffix[i], l.length[i] = byte(i), 1
	}
	l.reset()
	return l
}

func (l *lzwReader) reset() { l.width, l.next, l.prev = 9, 258, -1 }

func (l *lzwReader) Read(b []byte) (int, error) {
	for len(l.out) == 0 {
		if l.done {
			return 0, io.EOF
		}
		if err := l.step(); err != nil {
			return 0, err
		}
	}
	n := copy(b, l.out)
	l.out = l.out[n:]
	return n, nil
}

// step decodes one code into out.
func (l *lzwReader) step() error {
	for l.nbits < l.width {
		c, err := l.src.ReadByte()
		if err == io.EOF {
			l.done = true // data without the end code is common
			return nil
		}
		if err != nil {
			return err
		}
		l.bits = l.bits<<8 | uint32(c)
		l.nbits += 8
	}
	l.nbits -= l.width
	code := int(l.bits >> l.nbits & (1<<l.width - 1))
	switch {
	case code == lzwClear:
		l.reset()
		return nil
	case code == lzwEnd:
		l.done = true
		return nil
	case l.prev < 0 && code > lzwEnd, code > l.next, code == l.next && l.next > 4095:
		return errors.New("malformed LZW data")
	}
	l.define(code)
	l.expand(code)
	l.prev = code
	return nil
}

// define adds the string of the previous code and the first byte of this one.
func (l *lzwReader) define(code int) {
	if l.prev < 0 || l.next > 4095 {
		return
	}
	first := code
	if code == l.next {
		first = l.prev
	}
	for first > lzwEnd {
		first = int(l.prefix[first])
	}
	l.prefix[l.next], l.suffix[l.next] = uint16(l.prev), byte(first)
	l.length[l.next] = l.length[l.prev] + 1
	l.next++
	if l.next+l.early >= 1<<l.width && l.width < 12 {
		l.width++
	}
}

func (l *lzwReader) expand(code int) {
	n := int(l.length[code])
	for i := n - 1; i >= 0; i-- {
		l.buf[i] = l.suffix[code]
		code = int(l.prefix[code])
	}
	l.out = l.buf[:n]
}
