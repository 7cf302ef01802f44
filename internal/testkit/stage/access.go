package stage

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
)

// People are the accounts, in the order of the cast.
func (s *Stage) People() []Account {
	var out []Account
	for _, c := range cast {
		out = append(out, s.State.Accounts[c.Login])
	}
	return out
}

// WriteAccess writes access.json, by which outside clients find their way in (mode 0600).
func (s *Stage) WriteAccess() error {
	people := s.People()
	slices.SortStableFunc(people, func(a, b Account) int { return strings.Compare(a.Role, b.Role) })
	b, err := json.MarshalIndent(map[string]any{
		"public": s.URL(Public), "plain": s.URL(Plain), "admin": s.URL(Admin), "accounts": people,
		"client": s.State.Client, "roots": []string{s.Path("ca", "root.pem")}, "tsa": s.URL(Plain) + "/tsa"}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.Path("access.json"), append(b, '\n'), 0o600)
}
