package edge

import (
	"net"
	"regexp"
	"strings"
)

// awsName matches the names of AWS that the stack answers to: what clients use
// that have no endpoint setting, or one made of an API's id. Their owner is
// AWS, so nobody can rebind them; names of customers' machines (EC2, ELB) do
// not match. Besides the plain ones there are those for FIPS, for IPv4 and IPv6
// alike (api.aws), for one account's tables, and China's (endpoint rules of the
// AWS SDKs).
var awsName = regexp.MustCompile(`^(?:` +
	`(?P<service>dynamodb|kms|lambda)(?:-fips)?|` +
	`(?P<streams>streams)[.-]dynamodb(?:-fips)?|` +
	`[0-9]{12}\.(?P<ddb>ddb)(?:-fips)?|` +
	`[a-z0-9]+\.(?P<api>execute-api)(?:-fips)?` +
	`)\.[a-z]{2,}(?:-[a-z]+)+-[0-9]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)$`)

// awsService returns the service that a host name of AWS is of; ok is false if
// the name is not AWS's or its service is never here.
func awsService(name string) (s service, ok bool) {
	if !isAWS(name) {
		return service{}, false // most requests; cheaper than the expression
	}
	m := awsName.FindStringSubmatch(name)
	switch {
	case m == nil:
		return service{}, false
	case m[1] != "":
		return signingNames[m[1]], true
	case m[2] != "" || m[3] != "":
		return dynamoDB, true
	}
	return apiGateway, true
}

// isAWS reports whether a name is one of AWS's APIs, here or not. (Web sites of
// customers have such names too. Who asks for them is told the same.)
func isAWS(name string) bool {
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws",
		".api.amazonwebservices.com.cn"} {
		if strings.HasSuffix(name, domain) {
			return true
		}
	}
	return false
}

// hostName returns the name in a Host, with or without a port, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}
