using LeapAlign.Host;
using LeapAlign.Host.Commands;
using Microsoft.Extensions.DependencyInjection;

using var host = HostServices.Build(verbose: args.Any(argument => argument is "--verbose" or "-v"));
return host.Services.GetRequiredService<CommandLine>().Run(args);
