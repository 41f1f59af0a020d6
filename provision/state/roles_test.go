package state

var roles = map[string]func() error{}
