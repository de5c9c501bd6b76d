using LeapAlign.Host;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Host.Runtime;
using Microsoft.Extensions.DependencyInjection;

if (OpenFiles.Check() is { } few) return Console.Error.Error(few);
Restart.IfFilesAreLimited();
NativeStart.Prepare();
if (Witness.Is(args)) return Testimony.Give();
CrashDump.RestartIfAsked(args);
Witness.Enable();
using var host = HostServices.Build(verbose: args.Any(argument => argument is "--verbose" or "-v"));
return host.Services.GetRequiredService<CommandLine>().Run(args);
