// Command revokedevice is the Lambda function of the route revokeDevice.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.RevokeDevice.Handler) }
