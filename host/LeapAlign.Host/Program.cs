using LeapAlign.Host;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runtime;
using Microsoft.Extensions.DependencyInjection;

NativeStart.Prepare();
using var host = HostServices.Build(verbose: args.Any(argument => argument is "--verbose" or "-v"));
return host.Services.GetRequiredService<CommandLine>().Run(args);
