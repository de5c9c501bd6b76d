using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>The life of the plugins of a plan around its run.</summary>
internal static class RunningPlugins
{
    /// <summary>Marks the plugins of a plan as running while an action works with them.</summary>
    public static Result<T> WhileRunning<T>(this RunPlan plan, Func<Result<T>> action)
    {
        var plugins = plan.Plugins.ToArray();
        try
        {
            return plugins.Select(plugin => plugin.Run()).All().Bind(_ => action());
        }
        finally
        {
            foreach (var plugin in plugins.Where(plugin => plugin.State == PluginState.Running)) plugin.Stop();
        }
    }
}
