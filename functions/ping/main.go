// Command ping is the Lambda function of the route ping.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Ping.Handler) }
