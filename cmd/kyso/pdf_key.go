package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/internal/errs"
)

// maxPEM bounds the files with keys and certificates.
const maxPEM = 1 << 20

var (
	errKeyEncrypted = errs.New(errs.Invalid, "key_encrypted",
		"Khoá bí mật được mã hoá bằng mật khẩu. Hãy giải mã tệp khoá, hoặc dùng khoá trong thiết bị PKCS#11.",
		"The private key is encrypted. Decrypt the file first, or use a key on a PKCS#11 token")
	errKeyFile = errs.New(errs.Invalid, "key_file",
		"Tệp khoá không chứa đúng một khoá bí mật ở dạng PEM (PKCS#8, EC hoặc RSA).",
		"The key file does not hold exactly one private key in PEM (PKCS#8, EC or RSA)")
	errCertFile = errs.New(errs.Invalid, "certificate_file",
		"Tệp chứng thư không đọc được: cần chứng thư ở dạng PEM hoặc DER.",
		"The certificate file can't be read: certificates in PEM or DER are expected")
)

// signingKey is a key with what belongs to it.
type signingKey struct {
	crypto.Signer
	cert  *x509.Certificate
	chain []*x509.Certificate
	close func() error
}

// openKey opens a key, a PEM file or a pkcs11: URI, with the first certificate of certFile,
// or, for a token without certFile, the token's own. More certificates there, and those of
// chainFile, are the chain.
func openKey(ctx context.Context, e env, key, certFile, chainFile string) (*signingKey, error) {
	k := &signingKey{close: func() error { return nil }}
	// 1. The certificates.
	if certFile != "" {
		certs, err := readCertificates(certFile)
		if err != nil {
			return nil, err
		}
		k.cert, k.chain = certs[0], certs[1:]
	}
	if chainFile != "" {
		more, err := readCertificates(chainFile)
		if err != nil {
			return nil, err
		}
		k.chain = append(k.chain, more...)
	}
	// 2. The key.
	var err error
	if strings.HasPrefix(strings.ToLower(key), "pkcs11:") {
		err = k.openToken(ctx, e, key)
	} else {
		k.Signer, err = readKey(key)
	}
	if err != nil {
		return nil, err
	}
	if k.cert == nil {
		return nil, usageError("--cert is required: the key brings no certificate")
	}
	return k, nil
}

// openToken opens what the URI names. The library is the URI's, else that of the
// configuration's environment variable.
func (k *signingKey) openToken(ctx context.Context, e env, key string) error {
	u, err := hsm.ParseURI(key)
	if err != nil {
		return err
	}
	cfg, err := p11.ConfigFor(u, lookup(e.environ, "KYSO_HSM_MODULE"))
	if err != nil {
		return err
	}
	t, err := p11.Open(ctx, cfg)
	if err != nil {
		return err
	}
	k.close = t.Close
	signer, err := t.Signer(ctx, u.Key())
	if err != nil {
		_ = t.Close()
		return err
	}
	k.Signer = signer
	if k.cert == nil {
		if k.cert, err = t.Certificate(ctx, signer); err != nil {
			_ = t.Close()
			return err
		}
	}
	return nil
}

// lookup finds a variable of the environment.
func lookup(environ []string, name string) string {
	for _, v := range environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// readKey reads the private key of a PEM file.
func readKey(path string) (crypto.Signer, error) {
	data, err := readSmall(path, maxPEM)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	var found crypto.Signer
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return nil, errKeyEncrypted
		}
		key, ok := parseKey(block)
		clear(block.Bytes)
		if !ok {
			continue // parameters, or a certificate
		}
		if key == nil || found != nil {
			return nil, errKeyFile
		}
		found = key
	}
	if found == nil {
		return nil, errKeyFile
	}
	return found, nil
}

// parseKey reads a block; ok is false when it is no private key, and the key is nil when it
// is one that can't be read.
func parseKey(block *pem.Block) (key crypto.Signer, ok bool) {
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, false
	}
	if err != nil { // its text could repeat parts of the key
		return nil, true
	}
	key, _ = parsed.(crypto.Signer)
	return key, true
}

// readCertificates reads the certificates of a file, PEM or a single DER, at least one.
func readCertificates(path string) ([]*x509.Certificate, error) {
	data, err := readSmall(path, maxPEM)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		c, err := x509.ParseCertificate(data)
		if err != nil {
			return nil, errCertFile.Wrap(err)
		}
		return []*x509.Certificate{c}, nil
	}
	var out []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errCertFile.Wrap(err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errCertFile
	}
	return out, nil
}

// readDER reads files of CRLs or OCSP responses, in DER or, for CRLs, PEM.
func readDER(paths []string) ([][]byte, error) {
	var out [][]byte
	for _, p := range paths {
		data, err := readSmall(p, 64<<20)
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

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, usageError("%s: larger than %d bytes", path, limit)
	}
	return os.ReadFile(path)
}
