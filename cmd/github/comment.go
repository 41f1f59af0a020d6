package github

type author struct{}
