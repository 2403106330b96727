// Command presence is the Lambda function of the route presence.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Presence.Handler) }
