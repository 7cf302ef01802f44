package interop

import (
	"bytes"
	"context"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// ErrNoSignature says that a file has no signature dictionary that could be found by its text.
var ErrNoSignature = errors.New("no signature")

// Signature is one signature as its text in the file has it.
type Signature struct {
	ByteRange [4]int64 // offset and length of the two signed parts
	CMS       []byte   // DER of Contents, without the padding
	Timestamp bool     // an RFC 3161 token (a document time-stamp), not a signature of a person
}

var byteRange = regexp.MustCompile(`/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]`)

// idCTTSTInfo is the DER of the content type of a time-stamp token (RFC 3161, Section 2.4.2), 1.2.840.113549.1.9.16.1.4.
var idCTTSTInfo = []byte{0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04}

// ExtractCMS finds the signatures of a PDF by the text of their /ByteRange, first to last in the file. Contents is what
// lies between the two ranges. It reads the whole file into memory.
func ExtractCMS(file string) ([]Signature, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found []Signature
	for _, m := range byteRange.FindAllSubmatch(data, -1) {
		var s Signature
		for i := range s.ByteRange {
			if s.ByteRange[i], err = strconv.ParseInt(string(m[i+1]), 10, 64); err != nil {
				return nil, fmt.Errorf("%s: ByteRange: %w", file, err)
			}
		}
		gap, end := s.ByteRange[0]+s.ByteRange[1], s.ByteRange[2]+s.ByteRange[3]
		if s.ByteRange[0] != 0 || gap >= s.ByteRange[2] || end > int64(len(data)) {
			return nil, fmt.Errorf("%s: ByteRange %v is not of this file", file, s.ByteRange)
		}
		if s.CMS, err = decodeContents(data[gap:s.ByteRange[2]]); err != nil {
			return nil, fmt.Errorf("%s: Contents at %d: %w", file, gap, err)
		}
		s.Timestamp = bytes.Contains(s.CMS[:min(len(s.CMS), 128)], idCTTSTInfo)
		found = append(found, s)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", file, ErrNoSignature)
	}
	return found, nil
}

// decodeContents takes the hex string apart; behind its DER only zeros may stand.
func decodeContents(text []byte) ([]byte, error) {
	if len(text) < 2 || text[0] != '<' || text[len(text)-1] != '>' {
		return nil, errors.New("not a hex string")
	}
	raw := make([]byte, hex.DecodedLen(len(text)-2))
	if _, err := hex.Decode(raw, text[1:len(text)-1]); err != nil {
		return nil, err
	}
	var der asn1.RawValue
	padding, err := asn1.Unmarshal(raw, &der)
	if err != nil {
		return nil, err
	}
	if len(bytes.Trim(padding, "\x00")) > 0 {
		return nil, errors.New("something stands behind the DER")
	}
	return der.FullBytes, nil
}

// OpenSSLVerify has OpenSSL verify every signature of a PDF: `openssl cms -verify -cades` for a person's or an
// organisation's, `openssl ts -verify` for a document time-stamp. rootPEM is the file of trust anchors; the chain
// must come with the signature. The signing certificate attribute must be there and right (CAdES).
func OpenSSLVerify(ctx context.Context, file, rootPEM string) error {
	signatures, err := ExtractCMS(file)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kyso-judge-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for i, s := range signatures {
		if err := verifyOne(ctx, s, file, rootPEM, dir); err != nil {
			return fmt.Errorf("%s: signature %d: %w", file, i+1, err)
		}
	}
	return nil
}

func verifyOne(ctx context.Context, s Signature, file, rootPEM, dir string) error {
	signed, token := filepath.Join(dir, "signed"), filepath.Join(dir, "cms.der")
	if err := s.copySigned(file, signed); err != nil {
		return err
	}
	if err := os.WriteFile(token, s.CMS, 0o600); err != nil {
		return err
	}
	args := []string{"cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", token, "-content", signed, "-out", os.DevNull,
		"-purpose", "any", "-CAfile", rootPEM, "-no-CApath", "-no-CAstore"}
	if s.Timestamp {
		args = []string{"ts", "-verify", "-token_in", "-in", token, "-data", signed, "-CAfile", rootPEM}
	}
	_, err := judge(ctx, "openssl", args...)
	return err
}

// copySigned writes the two signed parts of file one behind the other.
func (s Signature) copySigned(file, target string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.MultiReader(
		io.NewSectionReader(in, s.ByteRange[0], s.ByteRange[1]), io.NewSectionReader(in, s.ByteRange[2], s.ByteRange[3])))
	return errors.Join(err, out.Close())
}
