package edge

import (
	"net"
	"regexp"
	"strings"
)

// awsHost matches the host names of AWS that the stack serves. Clients use them
// if they have no endpoint setting, or build the endpoint from an API's id. AWS
// owns these names, so an attacker cannot rebind them; names of customers'
// machines (EC2, ELB) do not match. FIPS, dual-stack (api.aws), account-based
// DynamoDB and China endpoints match too (endpoint rules of the AWS SDKs).
var awsHost = regexp.MustCompile(`^(?:` +
	`(?P<service>dynamodb|kms|lambda)(?:-fips)?|` +
	`(?P<streams>streams)[.-]dynamodb(?:-fips)?|` +
	`[0-9]{12}\.(?P<ddb>ddb)(?:-fips)?|` +
	`[a-z0-9]+\.(?P<api>execute-api)(?:-fips)?` +
	`)\.[a-z]{2,}(?:-[a-z]+)+-[0-9]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)$`)

// awsService returns the service that a host name of AWS belongs to. ok is
// false if the name is not AWS's, or if the stack never has the service.
func awsService(name string) (s service, ok bool) {
	if !isAWSHost(name) {
		return service{}, false // most requests; this is cheaper than the regular expression
	}
	m := awsHost.FindStringSubmatch(name)
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

// isAWSHost reports whether a name is in a domain of AWS's APIs, whether the
// stack serves it or not. Customers' web sites are in these domains too;
// requests for them are refused in the same way.
func isAWSHost(name string) bool {
	for _, domain := range []string{
		".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn",
	} {
		if strings.HasSuffix(name, domain) {
			return true
		}
	}
	return false
}

// hostName returns the name in a Host header in lower case, without the port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}
