using System.Reflection;
using LeapAlign.Pipeline;
using McMaster.NETCore.Plugins;

namespace LeapAlign.Host.Plugins;

/// <summary>Loads a plugin's assembly apart from all others.</summary>
internal interface IPluginLoader
{
    /// <summary>Loads an assembly that was verified.</summary>
    /// <param name="path">Its full path.</param>
    ILoadedPlugin Load(string path);
}

/// <summary>An assembly in a load context of its own. Disposing it unloads the context, which is collected once nothing refers to its types.</summary>
internal interface ILoadedPlugin : IDisposable
{
    /// <summary>The assembly.</summary>
    Assembly Assembly { get; }

    /// <summary>The load context, for asking later whether it is gone.</summary>
    WeakReference Context { get; }
}

/// <summary>Loads with McMaster.NETCore.Plugins: private dependencies from the plugin's folder, shared ones from the host.</summary>
internal sealed class IsolatedPluginLoader : IPluginLoader
{
    public ILoadedPlugin Load(string path)
    {
        var loader = PluginLoader.CreateFromAssemblyFile(path, isUnloadable: true, sharedTypes: [.. SharedAssemblies.Types]);
        // Code of a plugin that calls libtorch past TorchSharp gets the program's.
        loader.LoadContext.ResolvingUnmanagedDll += LibTorch.Resolve;
        return new Loaded(loader);
    }

    private sealed class Loaded(PluginLoader loader) : ILoadedPlugin
    {
        public Assembly Assembly { get; } = loader.LoadDefaultAssembly();

        public WeakReference Context { get; } = new(loader.LoadContext);

        public void Dispose() => loader.Dispose();
    }
}
