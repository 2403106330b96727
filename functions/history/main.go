// Command history is the Lambda function of the route history.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.History.Handler) }
