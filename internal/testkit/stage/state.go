package stage

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
)

// State is what the installation under dir was made with. It is kept with mode 0600: there
// are secrets in it.
type State struct {
	TokenPIN string             `json:"token_pin"`
	Ports    [4]int             `json:"ports"` // public, plain, admin, DMS stub
	Accounts map[string]Account `json:"accounts"`
	Client   Client             `json:"client"`
	// Documents counts those that were numbered: a number is given once in a year.
	Documents int `json:"documents,omitempty"`
	// Ready says that ceremony and set-up are done.
	Ready bool `json:"ready"`
}

// Account is a person of the demonstration.
type Account struct {
	Login      string `json:"login"`
	Password   string `json:"password"`
	TOTP       string `json:"totp_secret,omitempty"`
	Role       string `json:"role"`
	Unit       string `json:"unit"`
	Name       string `json:"name"`
	Identity   string `json:"identity"`
	PIN        string `json:"pin,omitempty"`
	Credential string `json:"credential_id,omitempty"`
	// Step is the time step of the last one-time password.
	Step int64 `json:"otp_step,omitempty"`
}

// Client is the document system.
type Client struct {
	ID     string `json:"id"`
	Secret string `json:"secret_or_key"`
	Key    []byte `json:"callback_key"`
}

func loadState(dir string) (*State, error) {
	s := &State{Accounts: map[string]Account{}}
	b, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	return s, nil
}

// Save writes the state, whole or not at all.
func (s *State) Save(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "state.json.tmp")
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, "state.json"))
}

// Digits draws n random digits that no PIN rule calls weak: neighbours differ by more than
// one.
func Digits(n int) string {
	out := make([]byte, 0, n)
	for len(out) < n {
		d := byte('0' + number(10))
		if k := len(out); k > 0 && (d == out[k-1] || d+1 == out[k-1] || d-1 == out[k-1]) {
			continue
		}
		out = append(out, d)
	}
	return string(out)
}

func number(n int64) int64 {
	v, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err) // no randomness, no demonstration
	}
	return v.Int64()
}

func password() string {
	b := make([]byte, 15)
	rand.Read(b)
	return base32.StdEncoding.EncodeToString(b)
}

// freePorts asks the system for n ports that nobody listens on.
func freePorts(out []int) error {
	for i := range out {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		out[i] = ln.Addr().(*net.TCPAddr).Port
	}
	return nil
}
