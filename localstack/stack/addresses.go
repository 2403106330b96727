package stack

import (
	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// pagePath is the path of the inspector's page.
const pagePath = "/_localstack/"

// Addresses are where a stack answers.
type Addresses struct {
	// WebSockets are the URLs of all APIs' stages, in the template's order.
	WebSockets []string
	// AWS is the endpoint for AWS SDKs and CLIs, as AWS_ENDPOINT_URL takes it.
	// Any credentials are accepted, for Region.
	AWS, Region string
	// Page shows what the stack does, Health is the health check.
	Page, Health string
	// WebClient is the web client's URL; empty without Options.Web.
	WebClient string
	// Listen is Options.Listen with the actual port. Remote reports whether
	// other machines reach it.
	Listen string
	Remote bool
	// Data is the absolute path of the data folder.
	Data string
}

// Addresses returns the addresses of the deployed version.
func (s *Stack) Addresses() Addresses {
	plan := s.plan.Load()
	a := Addresses{
		AWS:    s.url(),
		Region: plan.Region,
		Page:   s.url() + pagePath,
		Health: s.url() + edge.HealthPath,
		Listen: s.listener.given,
		Remote: s.listener.remote(),
		Data:   s.opts.Data,
	}
	for _, api := range plan.APIs {
		a.WebSockets = append(a.WebSockets, webSocketURL(s.address, api))
	}
	if s.opts.Web != "" {
		a.WebClient = s.url() + "/"
	}
	return a
}

// Plan returns the deployed version of the template, or before Start the one
// that New has read. It must not be changed.
func (s *Stack) Plan() *sam.Plan { return s.plan.Load() }
