package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/pki/path"
)

// errTrust says that what --trust, --crl or --ocsp names can't be used.
var errTrust = errs.New(errs.Invalid, "trust_unreadable",
	"Không đọc được chứng thư gốc, CRL hoặc OCSP đã chỉ định.", "A trust anchor, CRL or OCSP response that was named can't be read.")

func trustError(name string, err error) error {
	e := *errTrust
	e.EN += " (" + name + ")"
	e.Err = err
	return &e
}

// readTrust makes a list of anchors of each file; a folder is searched for .pem, .crt, .cer
// and .der.
func readTrust(names []string) ([]path.AnchorList, error) {
	var lists []path.AnchorList
	add := func(name string) error {
		list, err := readAnchors(name)
		if err == nil {
			lists = append(lists, list)
		}
		return err
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, trustError(name, err)
		}
		if !info.IsDir() {
			if err := add(name); err != nil {
				return nil, err
			}
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, trustError(name, err)
		}
		for _, entry := range entries {
			switch strings.ToLower(filepath.Ext(entry.Name())) {
			case ".pem", ".crt", ".cer", ".der":
				if err := add(filepath.Join(name, entry.Name())); err != nil {
					return nil, err
				}
			}
		}
	}
	return lists, nil
}

// readAnchors reads PEM, or one certificate in DER.
func readAnchors(name string) (path.AnchorList, error) {
	data, err := readLimited(name, maxTrustFile)
	if err != nil {
		return path.AnchorList{}, err
	}
	label := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	if bytes.Contains(data, []byte("-----BEGIN")) {
		list, err := path.ParseAnchors(label, data)
		if err != nil {
			return list, trustError(name, err)
		}
		return list, nil
	}
	cert, err := x509.ParseCertificate(data)
	if err != nil {
		return path.AnchorList{}, trustError(name, err)
	}
	return path.AnchorList{Name: label, Certificates: []*x509.Certificate{cert}}, nil
}

// readEvidence reads CRLs or OCSP responses, DER or each in one PEM block.
func readEvidence(names []string) ([][]byte, error) {
	var out [][]byte
	for _, name := range names {
		data, err := readLimited(name, maxRevocation)
		if err != nil {
			return nil, err
		}
		if block, _ := pem.Decode(data); block != nil {
			data = block.Bytes
		}
		out = append(out, data)
	}
	return out, nil
}

// readLimited reads a small file.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, trustError(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, trustError(name, err)
	}
	if int64(len(data)) > limit {
		return nil, trustError(name, errTooLong)
	}
	return data, nil
}

var errTooLong = errs.New(errs.TooLarge, "file_too_large", "Tệp quá lớn.", "The file is too large.")
