package iam

import (
	"strconv"
	"time"
)

// global has the condition keys that every request of a function has (IAM user
// guide, "AWS global condition context keys"; Lambda developer guide,
// "lambda:SourceFunctionArn").
type global struct {
	guard    *Guard
	role     *role
	function string
}

func (g *global) lookup(name string) ([]string, bool) {
	one := func(value string) ([]string, bool) { return []string{value}, true }
	switch name {
	case "aws:currenttime":
		return one(time.Now().UTC().Format(time.RFC3339))
	case "aws:epochtime":
		return one(strconv.FormatInt(time.Now().Unix(), 10))
	case "aws:principalarn":
		return one(g.role.arn)
	case "aws:principalaccount", "aws:resourceaccount":
		return one(g.guard.opts.Account)
	case "aws:principaltype":
		return one("AssumedRole")
	case "aws:userid":
		return one(g.role.userID)
	case "aws:requestedregion":
		return one(g.guard.opts.Region)
	case "aws:securetransport":
		// On AWS the function would use TLS.
		return one("true")
	case "aws:principalisawsservice", "aws:viaawsservice":
		return one("false")
	case "lambda:sourcefunctionarn":
		return one(g.guard.arn("lambda", "function:"+g.function))
	}
	return nil, false
}
