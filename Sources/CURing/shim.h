// liburing as Swift sees it. <features.h> first: liburing.h defines _GNU_SOURCE too late for a
// debug build, in which the module of the C library is already there.
#pragma once
#include <features.h>

#include <liburing.h>
