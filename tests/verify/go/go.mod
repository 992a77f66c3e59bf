module program

go 1.20

require eidverify v0.0.0

replace eidverify => ../../../docs/verify/go
