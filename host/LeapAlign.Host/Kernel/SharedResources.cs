using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel;

/// <summary>What the parts of each plugin share in a run: made by whoever asks first, disposed after all parts.</summary>
internal sealed class SharedResources : IDisposable
{
    private readonly Dictionary<(object Plugin, Type Type, string Key), object> _made = [];
    private readonly List<IDisposable> _owned = [];

    /// <summary>The resources of one plugin. Two plugins may use a type that both know, and the same key, for different things.</summary>
    /// <param name="plugin">Whatever stands for it.</param>
    public ISharedResources Of(object plugin) => new OfPlugin(this, plugin);

    private Result<T> Get<T>(object plugin, string key, Func<Result<T>> create)
        where T : class
    {
        var name = (plugin, typeof(T), key);
        if (_made.TryGetValue(name, out var known)) return Result.Ok((T)known);
        return create().Map(made =>
        {
            _made[name] = made;
            if (made is IDisposable disposable) _owned.Add(disposable);
            return made;
        });
    }

    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
        _made.Clear();
    }

    private sealed class OfPlugin(SharedResources all, object plugin) : ISharedResources
    {
        public Result<T> Get<T>(string key, Func<Result<T>> create)
            where T : class => all.Get(plugin, key, create);
    }
}
