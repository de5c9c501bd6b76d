using System.Runtime.CompilerServices;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Host.Runtime;
using Microsoft.Extensions.DependencyInjection;

namespace LeapAlign.Host;

/// <summary>The program <c>leapalign</c>.</summary>
internal static class Program
{
    // Nothing here needs an assembly beside the runtime's core: where few files may be open, the next one might be refused.
    private static int Main(string[] args) => OpenFiles.Refuse() ?? Run(args);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Run(string[] args)
    {
        Restart.IfFilesAreLimited();
        NativeStart.Prepare();
        if (Witness.Is(args)) return Testimony.Give();
        CrashDump.RestartIfAsked(args);
        Witness.Enable();
        using var host = HostServices.Build(verbose: args.Any(argument => argument is "--verbose" or "-v"));
        return host.Services.GetRequiredService<CommandLine>().Run(args);
    }
}
