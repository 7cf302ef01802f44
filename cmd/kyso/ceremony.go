package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/config"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/profile"
)

// ceremonyFile is what a ceremony makes: one file that can be read and reviewed.
type ceremonyFile struct {
	Root    ceremonyCA   `yaml:"root"`
	Issuing []ceremonyCA `yaml:"issuing"`
	TSA     ceremonyTSA  `yaml:"tsa"`
	// Out is the folder for the certificates in PEM and the transcript, beside the file.
	Out string `yaml:"out"`
}

// ceremonyCA is a CA; its name is also its key's label and stands in addresses.
type ceremonyCA struct {
	Name    string        `yaml:"name"`
	Key     hsm.Algorithm `yaml:"key"`
	Subject pki.Subject   `yaml:"subject"`
	Serves  []pki.Kind    `yaml:"serves"`
}

type ceremonyTSA struct {
	Issuer  string        `yaml:"issuer"`
	Key     hsm.Algorithm `yaml:"key"`
	Subject pki.Subject   `yaml:"subject"`
}

// ceremony makes the keys and certificates of the PKI: the root, the issuing CAs, a
// delegated OCSP responder for each, and the time-stamp authority.
func ceremony(ctx context.Context, e env, args []string) error {
	flags := newFlags(e, "ceremony")
	conf := flags.String("config", "", "configuration file")
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usageError("kyso ceremony [--config FILE] CEREMONY.yaml")
	}
	file, err := readCeremony(flags.Arg(0))
	if err != nil {
		return err
	}
	// 1. The token's own keys come first: the database is encrypted under one of them.
	if err := setUpToken(ctx, e, *conf); err != nil {
		return err
	}
	a, err := openApp(ctx, e, *conf)
	if err != nil {
		return err
	}
	c := &celebrant{app: a, file: file, out: e.stdout, ctx: asService(ctx, "ceremony"), cas: map[string]*ca.CA{}}
	err = c.perform()
	return errors.Join(err, a.close())
}

func readCeremony(path string) (ceremonyFile, error) {
	var file ceremonyFile
	b, err := os.ReadFile(path)
	if err != nil {
		return file, fmt.Errorf("read ceremony: %w", err)
	}
	if err := config.Decode(b, &file); err != nil {
		return file, fmt.Errorf("read ceremony %s: %w", path, err)
	}
	if !filepath.IsAbs(file.Out) {
		file.Out = filepath.Join(filepath.Dir(path), file.Out)
	}
	return file, file.check()
}

// caName is what a CA may be called: a key's label, a file, and a part of an address.
var caName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// check refuses, before any key is made, what would stop a ceremony half-way.
func (f ceremonyFile) check() error {
	taken := map[string]bool{tsaKey: true, agent.WrapKeyLabel: true, agent.MACKeyLabel: true}
	for i, c := range append([]ceremonyCA{f.Root}, f.Issuing...) {
		if !caName.MatchString(c.Name) || strings.HasPrefix(c.Name, ocspKey("")) {
			return usageError("ceremony: %q is no name of a CA: lower-case letters, digits, hyphens", c.Name)
		}
		if taken[c.Name] {
			return usageError("ceremony: the name %q is taken", c.Name)
		}
		taken[c.Name] = true
		if len(c.Subject) == 0 {
			return usageError("ceremony: CA %s has no subject", c.Name)
		}
		if i > 0 && len(c.Serves) == 0 {
			return usageError("ceremony: CA %s serves nobody", c.Name)
		}
		for _, k := range c.Serves {
			if !k.Valid() {
				return usageError("ceremony: CA %s serves %q, which is no kind of subject", c.Name, k)
			}
		}
	}
	issues := func(c ceremonyCA) bool { return c.Name == f.TSA.Issuer }
	if f.TSA.Issuer != "" && !slices.ContainsFunc(f.Issuing, issues) {
		return usageError("ceremony: there is no issuing CA %q for the time-stamp authority", f.TSA.Issuer)
	}
	return nil
}

// celebrant performs a ceremony; it stops at the first thing that is not as it should be,
// and nothing that exists is made again.
type celebrant struct {
	app  *app
	file ceremonyFile
	out  io.Writer
	ctx  context.Context
	set  *profile.Set
	cas  map[string]*ca.CA
	log  *os.File // the transcript
}

// transcriptLine is one certificate of the transcript.
type transcriptLine struct {
	At          time.Time `json:"at"`
	Name        string    `json:"name"`
	Profile     string    `json:"profile"`
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`
	NotAfter    time.Time `json:"not_after"`
	Key         string    `json:"key"`
	Fingerprint string    `json:"sha256"`
}

func (c *celebrant) perform() error {
	var err error
	if c.set, err = profile.Builtin(profile.Options{}); err != nil {
		return err
	}
	if err := c.openTranscript(); err != nil {
		return err
	}
	return errors.Join(c.make(), c.log.Close())
}

func (c *celebrant) make() error {
	// 2. The root signs itself, then the issuing CAs.
	if err := c.root(); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	for _, i := range c.file.Issuing {
		if err := c.issuing(i); err != nil {
			return fmt.Errorf("issuing CA %s: %w", i.Name, err)
		}
	}
	// 3. The time-stamp authority.
	if c.file.TSA.Issuer != "" {
		t := c.file.TSA
		if _, err := c.own(t.Issuer, "tsa", tsaKey, t.Key, t.Subject); err != nil {
			return fmt.Errorf("time-stamp authority: %w", err)
		}
	}
	// 4. CRLs of all, so that nobody is left without a status.
	if _, err := c.app.desk.BuildCRLs(c.ctx, true); err != nil {
		return fmt.Errorf("first CRLs: %w", err)
	}
	return nil
}

// key makes a token key that did not exist.
func (c *celebrant) key(label string, alg hsm.Algorithm) (hsm.Signer, error) {
	if alg == "" {
		alg = hsm.P256
	}
	s, err := c.app.token.GenerateKey(c.ctx, hsm.KeyRef{Label: label}, alg)
	if err != nil {
		return nil, err
	}
	return hsm.Checked(s), nil
}

func (c *celebrant) root() error {
	r := c.file.Root
	signer, err := c.key(r.Name, r.Key)
	if err != nil {
		return err
	}
	authority, err := ca.New(ca.Config{Signer: signer})
	if err != nil {
		return err
	}
	cert, err := c.certify(authority, r.Name, "root", r.Subject, signer.Public())
	if err != nil {
		return err
	}
	if c.cas[r.Name], err = ca.New(ca.Config{Certificate: cert, Signer: signer, Addresses: c.addresses(r.Name)}); err != nil {
		return err
	}
	if err := c.app.desk.RegisterCA(c.ctx, issuance.Authority{Name: r.Name, KeyName: r.Name, DER: cert.Raw}); err != nil {
		return err
	}
	return nil
}

func (c *celebrant) issuing(i ceremonyCA) error {
	signer, err := c.key(i.Name, i.Key)
	if err != nil {
		return err
	}
	root := c.file.Root.Name
	cert, err := c.certify(c.cas[root], i.Name, "issuing", i.Subject, signer.Public())
	if err != nil {
		return err
	}
	if c.cas[i.Name], err = ca.New(ca.Config{Certificate: cert, Signer: signer, Addresses: c.addresses(i.Name)}); err != nil {
		return err
	}
	err = c.app.desk.RegisterCA(c.ctx, issuance.Authority{Name: i.Name, KeyName: i.Name, Parent: root, DER: cert.Raw, Serves: i.Serves, Shards: pki.DefaultShards})
	if err != nil {
		return err
	}
	if err := c.app.desk.RecordOwn(c.ctx, root, "ca", cert.Raw); err != nil {
		return err
	}
	subject := append(pki.Subject{}, i.Subject...)
	for n := range subject {
		if subject[n].Type == pki.CommonName {
			subject[n].Value += " OCSP"
		}
	}
	_, err = c.own(i.Name, "ocsp", ocspKey(i.Name), hsm.P256, subject)
	return err
}

// own makes a key and a certificate of the PKI's own under an issuing CA and records it.
func (c *celebrant) own(issuer, profileName, label string, alg hsm.Algorithm, subject pki.Subject) (*x509.Certificate, error) {
	if c.cas[issuer] == nil {
		return nil, fmt.Errorf("there is no CA %q in this ceremony", issuer)
	}
	signer, err := c.key(label, alg)
	if err != nil {
		return nil, err
	}
	cert, err := c.certify(c.cas[issuer], label, profileName, subject, signer.Public())
	if err != nil {
		return nil, err
	}
	return cert, c.app.desk.RecordOwn(c.ctx, issuer, profileName, cert.Raw)
}

// certify prepares, lints and issues one certificate, and writes it to the folder.
func (c *celebrant) certify(authority *ca.CA, name, profileName string, subject pki.Subject, public crypto.PublicKey) (*x509.Certificate, error) {
	p, err := c.set.Get(profileName)
	if err != nil {
		return nil, err
	}
	draft, err := authority.Prepare(ca.Request{Profile: p, Subject: p.Arrange(profile.Normalize(subject)), PublicKey: public})
	if err != nil {
		return nil, err
	}
	cert, err := authority.Issue(c.ctx, draft)
	if err != nil {
		return nil, err
	}
	alg, err := hsm.AlgorithmOf(public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(cert.Raw)
	err = c.transcribe(transcriptLine{At: time.Now().UTC(), Name: name, Profile: p.ID(), Subject: draft.Subject().String(), Issuer: cert.Issuer.String(),
		Serial: draft.Serial().String(), NotAfter: cert.NotAfter, Key: string(alg), Fingerprint: hex.EncodeToString(sum[:])})
	if err != nil {
		return nil, err
	}
	return cert, writeNew(filepath.Join(c.file.Out, name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

// writeNew writes a file that must not be there.
func writeNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func (c *celebrant) addresses(name string) pki.Addresses {
	return pki.Addresses{Base: c.app.cfg.URL.Plain, CA: name}
}

// openTranscript begins the transcript before anything is made. One that is there already is
// of another ceremony.
func (c *celebrant) openTranscript() (err error) {
	if err := os.MkdirAll(c.file.Out, 0o755); err != nil {
		return err
	}
	c.log, err = os.OpenFile(filepath.Join(c.file.Out, "transcript.jsonl"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	return err
}

// transcribe writes a line and prints it, as soon as there is something to tell: a ceremony
// that is cut off leaves no certificate without its line.
func (c *celebrant) transcribe(line transcriptLine) error {
	if err := json.NewEncoder(io.MultiWriter(c.log, c.out)).Encode(line); err != nil {
		return fmt.Errorf("write transcript: %w", err)
	}
	return c.log.Sync()
}

// setUpToken makes the agent's keys when the token is new.
func setUpToken(ctx context.Context, e env, configFile string) error {
	cfg, err := loadConfig(e, configFile)
	if err != nil {
		return err
	}
	token, err := openToken(ctx, cfg.HSM)
	if err != nil {
		return err
	}
	return errors.Join(agent.SetUp(ctx, token), token.Close())
}
