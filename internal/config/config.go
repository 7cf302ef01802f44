// Package config reads one file into one validated, documented struct. Every field can also
// be set by the environment variable KYSO_ followed by its path: hsm.pin_file is
// KYSO_HSM_PIN_FILE. Secrets are not in it, only the paths of files that hold them; a
// database password, if there must be one in the DSN, is hidden by Redacted.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Config is everything that can be set.
type Config struct {
	// Production refuses what is fit for trying only: SoftHSM, sample secrets, plain HTTP
	// on the public listener, secret files that others may read.
	Production bool `yaml:"production"`
	// Database is "sqlite:/path/kyso.db" or "postgres://…".
	Database string `yaml:"database"`
	// Documents is the folder of document bytes, which are encrypted there.
	Documents string `yaml:"documents"`
	// Outbox is the folder into which notices to people are written for the city's message
	// gateway to fetch.
	Outbox string `yaml:"outbox"`
	// LogFormat is "text" or "json".
	LogFormat string `yaml:"log_format"`

	HSM      HSM      `yaml:"hsm"`
	Listen   Listen   `yaml:"listen"`
	URL      URLs     `yaml:"url"`
	TLS      TLS      `yaml:"tls"`
	Outgoing Outgoing `yaml:"outgoing"`
	Signing  Signing  `yaml:"signing"`
}

// HSM says where the keys are.
type HSM struct {
	Module  string `yaml:"module"`   // path of the PKCS#11 library
	Token   string `yaml:"token"`    // CKA label of the token
	PINFile string `yaml:"pin_file"` // file with the token's user PIN
	// Config is the value of SOFTHSM2_CONF, for SoftHSM only.
	Config string `yaml:"config"`
	// WrapMechanism is the module's number for AES key wrap with padding; 0 is SoftHSM's
	// 0x210A, the standard's is 0x210B.
	WrapMechanism uint `yaml:"wrap_mechanism"`
}

// Listen has the three addresses, host:port.
type Listen struct {
	Public string `yaml:"public"` // pages, API, CSC
	Plain  string `yaml:"plain"`  // OCSP, CRL, CA certificates, TSA
	Admin  string `yaml:"admin"`  // metrics, health, profiles
}

// URLs are how others reach the listeners; they stand in certificates and callbacks.
type URLs struct {
	Public string `yaml:"public"`
	Plain  string `yaml:"plain"`
}

// TLS of the public listener; without it the public listener speaks plain HTTP.
type TLS struct {
	Cert string `yaml:"cert"` // PEM, leaf first
	Key  string `yaml:"key"`  // PEM
}

// Outgoing limits where the service may connect to.
type Outgoing struct {
	// Allow lists hosts, host:port or CIDR that may be reached although they are loopback
	// or private.
	Allow []string `yaml:"allow"`
}

// Signing says how documents are signed.
type Signing struct {
	// TSA are time-stamp authorities in order; "own" is ours, in process.
	TSA []string `yaml:"tsa"`
	// TSATimeout is how long one is waited for before the signature is given out as B-B
	// and raised later.
	TSATimeout time.Duration `yaml:"tsa_timeout"`
}

// Default returns the values that hold when nothing is set.
func Default() Config {
	return Config{
		Database: "sqlite:var/kyso.db", Documents: "var/documents", Outbox: "var/outbox", LogFormat: "text",
		HSM:     HSM{Module: "/usr/lib/softhsm/libsofthsm2.so", Token: "kyso"},
		Listen:  Listen{Public: "127.0.0.1:8080", Plain: "127.0.0.1:8081", Admin: "127.0.0.1:8082"},
		URL:     URLs{Public: "http://localhost:8080", Plain: "http://localhost:8081"},
		Signing: Signing{TSA: []string{"own"}, TSATimeout: 10 * time.Second},
	}
}

// Load reads path ("" for none), then the environment, and validates. Unknown fields are
// errors.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("read configuration: %w", err)
		}
		if err := Decode(b, &c); err != nil {
			return c, fmt.Errorf("read configuration %s: %w", path, err)
		}
	}
	if err := fromEnv(reflect.ValueOf(&c).Elem(), "KYSO", environ); err != nil {
		return c, err
	}
	return c, c.validate()
}

// Decode reads YAML strictly; nothing at all leaves into as it is. Errors name the line but
// do not show it: it may hold a password or an identity number.
func Decode(b []byte, into any) error {
	err := yaml.NewDecoder(bytes.NewReader(b), yaml.DisallowUnknownField()).Decode(into)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return errors.New(yaml.FormatError(err, false, false))
}

// Redacted returns c as it may be shown: without a password in the DSN.
func (c Config) Redacted() Config {
	u, err := url.Parse(c.Database)
	if err != nil || u.Opaque != "" || !strings.HasPrefix(u.Scheme, "postgres") {
		return c
	}
	q := u.Query()
	for _, key := range []string{"password", "sslpassword"} {
		if q.Has(key) {
			q.Set(key, "xxxxx")
			u.RawQuery = q.Encode()
		}
	}
	c.Database = u.Redacted()
	return c
}

func fromEnv(v reflect.Value, prefix string, environ []string) error {
	for i := range v.NumField() {
		f, name := v.Field(i), prefix+"_"+strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		if f.Kind() == reflect.Struct {
			if err := fromEnv(f, name, environ); err != nil {
				return err
			}
			continue
		}
		for _, e := range environ {
			value, ok := strings.CutPrefix(e, name+"=")
			if !ok {
				continue
			}
			if err := set(f, value); err != nil {
				return fmt.Errorf("environment variable %s: %w", name, err)
			}
		}
	}
	return nil
}

func set(f reflect.Value, value string) error {
	switch p := f.Addr().Interface().(type) {
	case *string:
		*p = value
	case *[]string:
		*p = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	case *bool:
		b, err := strconv.ParseBool(value)
		*p = b
		return err
	case *uint:
		n, err := strconv.ParseUint(value, 0, 32)
		*p = uint(n)
		return err
	case *time.Duration:
		d, err := time.ParseDuration(value)
		*p = d
		return err
	default:
		return fmt.Errorf("a %s cannot be set by the environment", f.Type())
	}
	return nil
}

func (c *Config) validate() error {
	var problems []error
	add := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	add(strings.HasPrefix(c.Database, "sqlite:") || strings.HasPrefix(c.Database, "postgres://") || strings.HasPrefix(c.Database, "postgresql://"),
		"database: begins with sqlite: or postgres://")
	add(c.Documents != "", "documents: missing")
	add(c.Outbox != "", "outbox: missing")
	add(c.LogFormat == "text" || c.LogFormat == "json", "log_format: text or json")
	add(c.HSM.Module != "", "hsm.module: missing")
	add(c.HSM.Token != "", "hsm.token: missing")
	add(c.HSM.PINFile != "", "hsm.pin_file: missing")
	for name, u := range map[string]string{"url.public": c.URL.Public, "url.plain": c.URL.Plain} {
		p, err := url.Parse(u)
		add(err == nil && p.Host != "" && (p.Scheme == "http" || p.Scheme == "https") && !strings.HasSuffix(u, "/"), "%s: an http(s) URL without a slash at its end", name)
	}
	add((c.TLS.Cert == "") == (c.TLS.Key == ""), "tls: cert and key come together")
	add(c.Signing.TSATimeout > 0, "signing.tsa_timeout: more than zero")
	if c.Production {
		problems = append(problems, c.production()...)
	}
	return errors.Join(problems...)
}

// production lists what may not be in production.
func (c *Config) production() (problems []error) {
	if strings.Contains(strings.ToLower(c.HSM.Module), "softhsm") {
		problems = append(problems, errors.New("hsm.module: SoftHSM keeps keys in files; production needs hardware"))
	}
	if c.TLS.Cert == "" {
		problems = append(problems, errors.New("tls: production needs TLS on the public listener"))
	}
	if !strings.HasPrefix(c.URL.Public, "https://") {
		problems = append(problems, errors.New("url.public: production is reached by https; the session cookie depends on it"))
	}
	for name, path := range map[string]string{"hsm.pin_file": c.HSM.PINFile, "tls.key": c.TLS.Key} {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) || path == "":
			problems = append(problems, fmt.Errorf("%s: file is missing", name))
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		case info.Mode().Perm()&0o077 != 0:
			problems = append(problems, fmt.Errorf("%s: others may read it (mode %#o)", name, info.Mode().Perm()))
		}
	}
	return problems
}
