using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Host.Plugins;

/// <summary>The assemblies that a plugin gets from the host, so that both mean the same types.</summary>
internal static class SharedAssemblies
{
    /// <summary>A type of each assembly that is shared. What these assemblies refer to is shared with them.</summary>
    public static IReadOnlyList<Type> Types { get; } = [typeof(IPlugin), typeof(Fault), typeof(SafetensorsFile), typeof(Tensor), typeof(ILogger)];

    /// <summary>The versions of the contracts that this host speaks.</summary>
    public static Version ContractVersion { get; } = typeof(IPlugin).Assembly.GetName().Version!;

    /// <summary>The simple name of the contracts.</summary>
    public static string ContractName { get; } = typeof(IPlugin).Assembly.GetName().Name!;

    /// <summary>Files that must not lie in a plugin's folder: a second copy would be another set of types, or half a gigabyte of natives.</summary>
    public static IReadOnlyList<string> Carried { get; } =
        [
            .. Types.Select(type => $"{type.Assembly.GetName().Name}.dll"),
            "Microsoft.Extensions.DependencyInjection.Abstractions.dll",
            "libLibTorchSharp.so", "LibTorchSharp.dll", "libtorch_cpu.so", "torch_cpu.dll",
        ];

    /// <summary>The version with which the host answers a reference, or null when a plugin has to bring the assembly itself.</summary>
    public static Version? Provided(string name) => s_provided.Value.GetValueOrDefault(name);

    private static readonly Lazy<IReadOnlyDictionary<string, Version>> s_provided = new(() =>
    {
        var versions = new Dictionary<string, Version>(StringComparer.OrdinalIgnoreCase);
        var shared = new Queue<System.Reflection.Assembly>(Types.Select(type => type.Assembly));
        while (shared.TryDequeue(out var assembly))
        {
            var name = assembly.GetName();
            if (!versions.TryAdd(name.Name!, name.Version!)) continue;
            foreach (var reference in assembly.GetReferencedAssemblies())
            {
                if (!versions.ContainsKey(reference.Name!) && TryLoad(reference) is { } loaded) shared.Enqueue(loaded);
            }
        }
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        foreach (var file in Directory.EnumerateFiles(framework, "*.dll"))
        {
            if (AssemblyMetadata.Read(file) is { } metadata) versions.TryAdd(metadata.Name, metadata.Version);
        }
        return versions;
    });

    private static System.Reflection.Assembly? TryLoad(System.Reflection.AssemblyName name)
    {
        try
        {
            return System.Runtime.Loader.AssemblyLoadContext.Default.LoadFromAssemblyName(name);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
