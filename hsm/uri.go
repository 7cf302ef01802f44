package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// maxURI bounds the text that ParseURI looks at, in bytes.
const maxURI = 4096

// URI is a pkcs11: URI (RFC 7512) as far as Kyso uses it: which module, which
// token, which key, and the file that holds the PIN.
type URI struct {
	Token      string // CKA label of the token, "" for any
	Serial     string // serial number of the token, "" for any
	Model      string // as the token calls itself, "" for any
	Maker      string // manufacturer, "" for any
	Object     string // CKA_LABEL of the key
	ID         []byte // CKA_ID of the key
	ModulePath string // absolute path of the PKCS#11 library
	PINFile    string // from pin-source=file:
}

// Key is the key that the URI names.
func (u URI) Key() KeyRef { return KeyRef{Label: u.Object, ID: u.ID} }

// ParseURI reads a pkcs11: URI. RFC 7512 says to ignore unknown attributes; we
// refuse those, since a misspelt one would name another key than was meant.
// pin-value is refused: arguments can be read by everyone on the machine.
// Errors are [ErrURIInvalid] and never repeat a value.
func ParseURI(s string) (URI, error) {
	u, err := parseURI(s)
	if err != nil {
		return URI{}, &Error{Code: CodeURIInvalid, Op: "parse pkcs11 URI", Err: err}
	}
	return u, nil
}

func parseURI(s string) (URI, error) {
	if len(s) > maxURI {
		return URI{}, fmt.Errorf("longer than %d bytes", maxURI)
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !strings.EqualFold(scheme, "pkcs11") {
		return URI{}, errors.New("does not start with pkcs11:")
	}
	path, query, _ := strings.Cut(rest, "?")
	var u URI
	if err := u.attributes(path, ";", u.pathAttribute); err != nil {
		return URI{}, err
	}
	if err := u.attributes(query, "&", u.queryAttribute); err != nil {
		return URI{}, err
	}
	return u, nil
}

// attributes splits name=value pairs, each name at most once (RFC 7512, Section 2.3).
func (u *URI) attributes(s, sep string, set func(name, value string) error) error {
	if s == "" {
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(s, sep) {
		name, raw, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return errors.New("attribute without a name or value")
		}
		if seen[name] {
			return fmt.Errorf("attribute %q twice", name)
		}
		seen[name] = true
		value, err := url.PathUnescape(raw)
		if err != nil {
			return fmt.Errorf("attribute %q has a bad percent sign", name)
		}
		if value == "" {
			return fmt.Errorf("attribute %q is empty", name)
		}
		if name != "id" && strings.ContainsRune(value, 0) {
			return fmt.Errorf("attribute %q holds a zero byte", name)
		}
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (u *URI) pathAttribute(name, value string) error {
	switch name {
	case "token":
		u.Token = value
	case "serial":
		u.Serial = value
	case "model":
		u.Model = value
	case "manufacturer":
		u.Maker = value
	case "object":
		u.Object = value
	case "id":
		u.ID = []byte(value)
	case "type":
		if value != "private" {
			return errors.New("type must be private")
		}
	default:
		return fmt.Errorf("attribute %q is not known here", name)
	}
	return nil
}

func (u *URI) queryAttribute(name, value string) error {
	switch name {
	case "module-path":
		if !filepath.IsAbs(value) {
			return errors.New("module-path must be absolute")
		}
		u.ModulePath = value
	case "pin-source":
		path, ok := strings.CutPrefix(value, "file:")
		if !ok {
			return errors.New("pin-source must be file:")
		}
		if p, double := strings.CutPrefix(path, "//"); double { // file:///run/pin
			if !filepath.IsAbs(p) {
				return errors.New("pin-source names another machine")
			}
			path = p
		}
		if path == "" {
			return errors.New("pin-source names no file")
		}
		u.PINFile = filepath.Clean(path) // a leading // would read as a host when written again
	case "pin-value":
		return errors.New("pin-value is refused: put the PIN in a file and name it by pin-source=file:")
	default:
		return fmt.Errorf("attribute %q is not known here", name)
	}
	return nil
}

// String writes the URI so that [ParseURI] gives the same one back.
func (u URI) String() string {
	var path, query []string
	add := func(to *[]string, name, value string) {
		if value != "" {
			*to = append(*to, name+"="+separators.Replace(url.PathEscape(value)))
		}
	}
	add(&path, "token", u.Token)
	add(&path, "serial", u.Serial)
	add(&path, "model", u.Model)
	add(&path, "manufacturer", u.Maker)
	add(&path, "object", u.Object)
	add(&path, "id", string(u.ID))
	add(&query, "module-path", u.ModulePath)
	if u.PINFile != "" {
		add(&query, "pin-source", "file:"+u.PINFile)
	}
	s := "pkcs11:" + strings.Join(path, ";")
	if len(query) > 0 {
		s += "?" + strings.Join(query, "&")
	}
	return s
}

// separators escapes what PathEscape leaves alone and ParseURI would split at.
var separators = strings.NewReplacer("&", "%26", "=", "%3D", ";", "%3B")

// maxPIN is more than any token takes, in bytes.
const maxPIN = 256

// ReadPIN reads the token's PIN from a file: the first line, at most 256 bytes.
// Who may read the file is for the caller to judge. Errors have [CodePINMissing].
func ReadPIN(path string) (string, error) {
	fail := func(err error) (string, error) {
		return "", &Error{Code: CodePINMissing, Op: "read PIN from", Subject: path, Err: err}
	}
	f, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPIN+2))
	if err != nil {
		return fail(err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 || len(line) > maxPIN {
		return fail(errors.New("empty or too long"))
	}
	return string(line), nil
}
