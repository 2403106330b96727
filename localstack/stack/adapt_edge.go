package stack

import (
	"os"

	"github.com/sotto-chat/sotto/localstack/edge"
	"github.com/sotto-chat/sotto/localstack/sam"
)

// webSocketURL returns the URL of an API's stage. address is HOST:PORT.
func webSocketURL(address string, api sam.WebSocketAPI) string {
	return "ws://" + address + "/" + api.Stage
}

// domains returns the custom domain names of all APIs.
func domains(plan *sam.Plan) []string {
	var names []string
	for _, a := range plan.APIs {
		for _, d := range a.Domains {
			names = append(names, d.Name)
		}
	}
	return names
}

// stages returns the stage names of all APIs.
func stages(plan *sam.Plan) []string {
	var names []string
	for _, a := range plan.APIs {
		names = append(names, a.Stage)
	}
	return names
}

// health returns what a running stack reports. address is HOST:PORT.
func health(plan *sam.Plan, address string) edge.Health {
	h := edge.Health{
		Services: map[string]string{"dynamodb": "running", "kms": "running", "lambda": "running"},
		PID:      os.Getpid(),
	}
	for _, f := range running(plan) {
		h.Functions = append(h.Functions, f.Name)
	}
	for i, api := range plan.APIs {
		h.Services["execute-api"] = "running"
		if i == 0 {
			h.WebSocket = webSocketURL(address, api)
		}
		for _, r := range api.Routes {
			h.Routes = append(h.Routes, r.Key)
		}
	}
	return h
}
